/**
 * An application behind the proxy. It has no sign-in of its own: who is there stands in the header that it was published
 * with, and the proxy takes that header away from everybody else.
 *
 *     node examples/application.ts [PORT]
 *     gatehouse app publish Greeter --external-url https://greeter.contoso.test/ \
 *       --backend-url http://greeter.corp.test:8082/ --trust CRM --identity-header X-Forwarded-User=upn
 */
import { createServer } from 'node:http'

const port = Number(process.argv[2] ?? 8082)

const server = createServer((request, response) => {
  const user = request.headers['x-forwarded-user']
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  // Nobody but the proxy may reach this port; a request without the header did not come through it.
  if (typeof user !== 'string') response.writeHead(403).end('Open me through the proxy.\n')
  // What is not visible ASCII comes percent-encoded.
  else response.end(`Hello ${decodeURIComponent(user)}\n`)
})
server.listen(port, '127.0.0.1', () => console.log(`The application listens on port ${port}`))
process.once('SIGINT', () => server.close())
process.once('SIGTERM', () => server.close())
