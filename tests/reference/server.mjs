// The Bluesky reference server with a DID directory of its own, on loopback, until standard input
// ends. Prints one line of JSON once both answer. Argument: an empty folder for their data.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import { PDS, envToCfg, envToSecrets } from '@atproto/pds'
import plc from '@did-plc/server'

const HOST = '127.0.0.1'

// Both servers listen on every address of the machine; these are for this machine alone.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, port, HOST, ...rest)
}

async function freePort() {
  const probe = net.createServer().listen(0)
  await once(probe, 'listening')
  const { port } = probe.address()
  await new Promise((closed) => probe.close(closed))
  return port
}

const dataDirectory = path.resolve(process.argv[2])
const directory = plc.PlcServer.create({ db: plc.Database.mock() })
const directoryUrl = `http://${HOST}:${(await directory.start()).address().port}`

// The server names its own address in what it signs, so the port is chosen ahead.
const port = await freePort()
const secrets = {
  jwtSecret: randomBytes(16).toString('hex'),
  adminPassword: randomBytes(16).toString('hex'),
  plcRotationKeyK256PrivateKeyHex: randomBytes(32).toString('hex'),
}
const environment = {
  ...secrets,
  port,
  hostname: 'localhost',
  devMode: true,
  dataDirectory,
  blobstoreDiskLocation: path.join(dataDirectory, 'blobs'),
  didPlcUrl: directoryUrl,
  inviteRequired: false,
}
const server = await PDS.create(envToCfg(environment), envToSecrets(environment))
await server.start()

console.log(
  JSON.stringify({
    pds: `http://${HOST}:${port}`,
    did: server.ctx.cfg.service.did,
    jwt_secret: secrets.jwtSecret,
    admin_password: secrets.adminPassword,
  }),
)

process.stdin.resume()
await once(process.stdin, 'end')
await server.destroy()
await directory.destroy()
process.exit(0)
