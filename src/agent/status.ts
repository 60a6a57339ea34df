import { chmod, rm } from 'node:fs/promises'
import { createServer } from 'node:http'

export interface StatusServer {
  close(): Promise<void>
}

/**
 * `GET /status` over a unix socket: what the agent says of itself, as JSON. Whoever may talk to the socket may
 * read it: root only.
 */
export async function serveStatus(path: string, status: () => object): Promise<StatusServer> {
  const server = createServer((request, response) => {
    const found = request.method === 'GET' && request.url === '/status'
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ? status() : { error: 'GET /status is all there is.' }))
  })
  // Left by an agent that was killed; `cni.sock` has made sure that there is no other.
  await rm(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  await chmod(path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
