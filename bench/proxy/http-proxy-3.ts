import { Agent, createServer } from 'node:http'
import { createProxyServer } from 'http-proxy-3'
import { listen, told } from './contender.ts'

const proxy = createProxyServer({
  target: `http://127.0.0.1:${told.backend}`,
  agent: new Agent({ keepAlive: true }),
  xfwd: true,
})
proxy.on('error', (_error, _request, response) => response.destroy())

listen(createServer((request, response) => void proxy.web(request, response)))
