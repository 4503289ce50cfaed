// Works one network's queue: status to publishing, account look-up, send, status to published.
import { writeFile } from 'node:fs/promises'

import { Worker } from 'bullmq'
import { Pool } from 'undici'

import { database, queueName, redis } from './connections.mjs'

const network = process.env.NETWORK
const concurrency = Number(process.env.CONCURRENCY)
const sql = database(Math.min(concurrency, 20))
const http = new Pool(process.env.SANDBOX_URL, {
  connections: concurrency,
  keepAliveTimeout: 60_000,
})

const requests = {
  facebook: (account, message) => ({
    path: `/facebook/v25.0/${account.remote_id}/feed`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ message, access_token: account.token }).toString(),
    idOf: (answer) => answer.id,
  }),
  x: (account, message) => ({
    path: '/x/2/tweets',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${account.token}` },
    body: JSON.stringify({ text: message }),
    idOf: (answer) => answer.data.id,
  }),
}

async function publish(job) {
  const id = job.data.delivery
  const [delivery] = await sql`
    UPDATE deliveries SET status = 'publishing', started_at = now()
    WHERE id = ${id} AND status = 'scheduled' RETURNING account_id, text`
  if (!delivery) return
  const [account] = await sql`
    SELECT remote_id, token FROM accounts WHERE id = ${delivery.account_id}`
  const { idOf, ...request } = requests[network](account, delivery.text)
  const { statusCode, body } = await http.request({ method: 'POST', ...request })
  const answer = await body.json()
  if (statusCode >= 400) throw new Error(`${network} answered ${statusCode}`)
  await sql`
    UPDATE deliveries SET status = 'published', published_at = now(), remote_id = ${idOf(answer)}
    WHERE id = ${id}`
}

async function warm() {
  // Every connection is open before the moment, to the network and to the database.
  const look = async () => (await http.request({ method: 'GET', path: '/_sandbox/health' })).body.dump()
  await Promise.all(Array.from({ length: concurrency }, look))
  await Promise.all(Array.from({ length: sql.options.max }, () => sql`SELECT pg_sleep(0.2)`))
}

await warm()
const worker = new Worker(queueName(network), publish, { connection: redis, concurrency })
worker.on('failed', (job, error) => console.error(`job ${job?.id}: ${error.message}`))
await worker.waitUntilReady()
await writeFile(process.env.READY_FILE, '')

process.once('SIGTERM', async () => {
  await worker.close()
  await http.close()
  await sql.end()
  process.exit(0)
})
