// What both programs connect to, by environment variable.
import postgres from 'postgres'

export const redis = {
  host: '127.0.0.1',
  port: Number(process.env.REDIS_PORT),
  maxRetriesPerRequest: null, // as BullMQ asks of its workers
}

export function database(connections) {
  return postgres(process.env.DATABASE_URL, { max: connections, onnotice: () => {} })
}

export const queueName = (network) => `publish-${network}`
