import t from 'tap'
import { headerName, namedByConnection } from '../../../src/proxy/forwarding/header-names.ts'

t.test('names are judged without regard to case, and `_` is no way around', async (t) => {
  for (const name of [
    'Connection',
    'TRANSFER-ENCODING',
    'transfer_encoding',
    'X_Forwarded-For',
    'x-forwarded-anything',
    'Proxy',
    'Content_Length',
    'HTTP2-Settings',
    'X_Accel_Redirect',
  ])
    t.equal(headerName(name).request, 'drop', name)
  for (const name of ['Accept', 'x-forward', 'my_header', 'Content-Type', '__proto__', 'constructor'])
    t.equal(headerName(name).request, 'copy', name)
  for (const name of ['Keep-Alive', 'X-Accel-Buffering', 'Alt-Svc', 'proxy-authenticate'])
    t.equal(headerName(name).response, 'drop', name)
  t.equal(headerName('SET-cookie').response, 'set-cookie')
})

t.test('what a client invents is judged alike, remembered or not', async (t) => {
  for (let n = 0; n < 5_000; n++) t.equal(headerName(`X-Invented-${n}`).lower, `x-invented-${n}`)
  t.equal(headerName('X-Forwarded-Invented').request, 'drop')
  t.equal(headerName('x'.repeat(10_000)).request, 'copy')
})

t.test('Connection names fields, not its own options', async (t) => {
  t.equal(namedByConnection(undefined), undefined)
  t.equal(namedByConnection('Keep-Alive'), undefined)
  t.equal(namedByConnection('close, Upgrade ,'), undefined)
  t.same([...(namedByConnection('close, X-A,x-b , TE') ?? [])], ['x-a', 'x-b', 'te'])
})
