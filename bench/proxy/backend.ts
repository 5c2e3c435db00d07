import { createServer } from 'node:http'
import { listen } from './contender.ts'

const page = Buffer.alloc(1_024, 'x')

listen(
  createServer((_request, response) => {
    response.writeHead(200, [
      ...['Content-Type', 'text/html; charset=utf-8', 'Content-Length', String(page.length)],
      ...['Cache-Control', 'private, max-age=0', 'Server', 'backend', 'Vary', 'Accept-Encoding', 'ETag', '"abc"'],
    ])
    response.end(page)
  }),
)
