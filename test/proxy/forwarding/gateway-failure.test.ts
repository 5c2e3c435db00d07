import t from 'tap'
import { ForwardingError, gatewayFailure } from '../../../src/proxy/forwarding/gateway-failure.ts'

for (const [error, status, code] of [
  ['ECONNREFUSED', 502, 'backend-unreachable'],
  ['EAI_AGAIN', 502, 'backend-unreachable'],
  ['UND_ERR_CONNECT_TIMEOUT', 504, 'backend-timeout'],
  ['UND_ERR_HEADERS_TIMEOUT', 504, 'backend-timeout'],
  ['CERT_HAS_EXPIRED', 502, 'backend-certificate'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 502, 'backend-certificate'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 502, 'backend-certificate'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 502, 'backend-certificate'],
  ['HPE_INVALID_CONSTANT', 502, 'backend-answer'],
  ['UND_ERR_HEADERS_OVERFLOW', 502, 'backend-answer'],
  ['UND_ERR_SOCKET', 502, 'backend-closed'],
  ['UND_ERR_INVALID_ARG', 400, 'request-refused'],
  ['', 502, 'backend-closed'],
] as const)
  t.test(`${error || 'an error without a code'} is ${status} ${code}`, async (t) => {
    t.match(gatewayFailure(Object.assign(new Error('detail'), { code: error })), { status, code, message: /detail/ })
  })

t.test('an error of ours keeps its code, a value that is no error is no crash', async (t) => {
  t.match(gatewayFailure(new ForwardingError('loop', 'x')), { status: 508, code: 'loop', message: 'x' })
  t.match(gatewayFailure('text'), { status: 502 })
})
