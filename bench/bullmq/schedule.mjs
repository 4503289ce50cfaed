// Puts deliveries into PostgreSQL and a delayed job for each into its network's queue.
// Reads {accounts, deliveries, publishAt} from stdin; prints how long each step took, in seconds.
import { Queue } from 'bullmq'
import { text } from 'node:stream/consumers'

import { database, queueName, redis } from './connections.mjs'

const CHUNK = 1000
const { accounts, deliveries, publishAt } = JSON.parse(await text(process.stdin))
const sql = database(1)

await sql`
  CREATE TABLE accounts (
    id integer PRIMARY KEY, network text NOT NULL, remote_id text NOT NULL, token text NOT NULL)`
await sql`
  CREATE TABLE deliveries (
    id integer PRIMARY KEY,
    account_id integer NOT NULL REFERENCES accounts,
    network text NOT NULL,
    text text NOT NULL,
    status text NOT NULL DEFAULT 'scheduled',
    publish_at timestamptz NOT NULL,
    started_at timestamptz,
    published_at timestamptz,
    remote_id text)`

const chunks = (rows) =>
  Array.from({ length: Math.ceil(rows.length / CHUNK) }, (_, n) =>
    rows.slice(n * CHUNK, (n + 1) * CHUNK),
  )

const began = performance.now()
for (const rows of chunks(accounts)) await sql`INSERT INTO accounts ${sql(rows)}`
const due = new Date(publishAt)
for (const rows of chunks(deliveries)) {
  await sql`INSERT INTO deliveries ${sql(rows.map((row) => ({ ...row, publish_at: due })))}`
}
const inserted = performance.now()

for (const network of new Set(deliveries.map((each) => each.network))) {
  const queue = new Queue(queueName(network), { connection: redis })
  const jobs = deliveries.filter((each) => each.network === network)
  for (const part of chunks(jobs)) {
    const delay = Math.max(0, publishAt - Date.now())
    await queue.addBulk(
      part.map(({ id }) => ({
        name: 'publish',
        data: { delivery: id },
        opts: { delay, jobId: `delivery-${id}`, removeOnComplete: true },
      })),
    )
  }
  await queue.close()
}
const added = performance.now()
await sql.end()
console.log(
  JSON.stringify({
    inserting_seconds: (inserted - began) / 1000,
    adding_seconds: (added - inserted) / 1000,
  }),
)
