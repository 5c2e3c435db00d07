import type { AddressInfo } from 'node:net'
import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { ready, told } from './contender.ts'

const server = fastify()
await server.register(httpProxy, { upstream: `http://127.0.0.1:${told.backend}` })
await server.listen({ port: 0, host: '127.0.0.1' })
ready((server.server.address() as AddressInfo).port)
