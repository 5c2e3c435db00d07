/** The limit: undici's dispatch with headers copied through an allow list both ways, back-pressure, nothing else. */
import { createServer } from 'node:http'
import { Pool } from 'undici'
import { listen, told } from './contender.ts'

const pool = new Pool(`http://127.0.0.1:${told.backend}`, { allowH2: false })
const asked = new Set([
  ...['host', 'user-agent', 'accept', 'accept-language', 'accept-encoding', 'cookie', 'origin', 'referer', 'range'],
  ...['sec-fetch-dest', 'sec-fetch-mode', 'sec-fetch-site', 'upgrade-insecure-requests', 'if-none-match'],
])
const answered = new Set([
  ...['content-type', 'content-length', 'content-encoding', 'cache-control', 'server', 'vary', 'etag', 'date'],
  ...['last-modified', 'location', 'set-cookie', 'content-range', 'accept-ranges'],
])

listen(
  createServer((request, response) => {
    const headers: string[] = []
    const { rawHeaders } = request
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] as string
      if (asked.has(name.toLowerCase())) headers.push(name, rawHeaders[at + 1] as string)
    }
    let resume: (() => void) | undefined
    response.on('drain', () => resume?.())
    pool.dispatch(
      { method: request.method as 'GET', path: request.url ?? '/', headers },
      {
        onRequestStart() {},
        onResponseStart(controller, status) {
          resume = () => controller.resume()
          const raw = controller.rawHeaders as Buffer[]
          const kept: string[] = []
          for (let at = 0; at < raw.length; at += 2) {
            const name = (raw[at] as Buffer).toString('latin1')
            if (answered.has(name.toLowerCase())) kept.push(name, (raw[at + 1] as Buffer).toString('latin1'))
          }
          response.writeHead(status, kept)
        },
        onResponseData(controller, chunk) {
          if (!response.write(chunk)) controller.pause()
        },
        onResponseEnd() {
          response.end()
        },
        onResponseError() {
          response.destroy()
        },
      },
    )
  }),
)
