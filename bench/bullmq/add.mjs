// How many delayed jobs a second Redis takes: one by one with many on the way, and in bulk.
// Reads {jobs, atOnce, bulk} from stdin; prints the rates.
import { Queue } from 'bullmq'
import { text } from 'node:stream/consumers'

import { redis } from './connections.mjs'

const { jobs, atOnce, bulk } = JSON.parse(await text(process.stdin))
const opts = { delay: 86_400_000, removeOnComplete: true }
const data = (id) => ({ delivery: id, text: 'Fresh bread from five o\'clock, as every day.' })

async function rate(work) {
  const queue = new Queue('accept', { connection: redis })
  await queue.waitUntilReady()
  await work(queue, 200) // as warm as what it is compared with
  const began = performance.now()
  await work(queue, jobs)
  const seconds = (performance.now() - began) / 1000
  await queue.obliterate({ force: true })
  await queue.close()
  return jobs / seconds
}

async function oneByOne(queue, count) {
  let next = 0
  const add = async () => {
    while (next < count) await queue.add('publish', data(next++), opts)
  }
  await Promise.all(Array.from({ length: atOnce }, add))
}

async function inBulk(queue, count) {
  for (let first = 0; first < count; first += bulk) {
    const size = Math.min(bulk, count - first)
    await queue.addBulk(
      Array.from({ length: size }, (_, n) => ({ name: 'publish', data: data(first + n), opts })),
    )
  }
}

const add_per_second = await rate(oneByOne)
const bulk_per_second = await rate(inBulk)
console.log(JSON.stringify({ add_per_second, bulk_per_second }))
