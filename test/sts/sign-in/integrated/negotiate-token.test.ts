import t from 'tap'
import { readNegotiateHeader } from '../../../../src/sts/sign-in/integrated/negotiate-token.ts'

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  const { length } = content
  const octets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...octets]), content])
}
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const kerberos = oid('2a864886f712010202')
const kerberosOfWindows = oid('2a864882f712010202')
const ntlm = oid('2b06010401823702020a')
const negoex = oid('2b06010401823702021e')
const spnego = oid('2b0601050502')
const apReq = der(0x60, kerberos, Buffer.from('0100', 'hex'), der(0x6e, Buffer.alloc(300, 7)))
const ntlmssp = Buffer.from('NTLMSSP\0\x01\0\0\0', 'latin1')

const negTokenInit = (mechanisms: Buffer[], ...behind: Buffer[]) =>
  der(0x60, spnego, der(0xa0, der(0x30, der(0xa0, der(0x30, ...mechanisms)), ...behind)))
const mechToken = (token: Buffer) => der(0xa2, der(0x04, token))
const read = (token: Uint8Array, scheme = 'Negotiate') =>
  readNegotiateHeader(`${scheme} ${Buffer.from(token).toString('base64')}`)

t.test('another scheme, or none, is no token', async (t) => {
  for (const header of [undefined, '', 'Basic YWxpY2U6eA==', 'Bearer abc', 'NegotiateX abc', 'NTLM TlRMTVNTUAA=']) {
    t.strictSame(readNegotiateHeader(header), { kind: 'none' }, header ?? 'none')
  }
})

t.test('Kerberos goes on as it came, bare or as the first choice of SPNEGO', async (t) => {
  for (const token of [
    apReq,
    negTokenInit([kerberos], mechToken(apReq)),
    negTokenInit([kerberosOfWindows, kerberos, negoex, ntlm], mechToken(apReq)),
    negTokenInit([kerberos], der(0xa1, der(0x03, Buffer.from([1, 0]))), mechToken(apReq), der(0xa3, der(0x04))),
  ]) {
    t.strictSame(read(token), { kind: 'kerberos', token: token.toString('base64') })
    t.equal(read(token, 'negotiate').kind, 'kerberos')
  }
})

t.test('NTLM is refused wherever it stands', async (t) => {
  for (const token of [
    ntlmssp,
    negTokenInit([ntlm], mechToken(ntlmssp)),
    negTokenInit([ntlm]),
    negTokenInit([ntlm, kerberos], mechToken(apReq)),
    negTokenInit([kerberos, ntlm], mechToken(ntlmssp)),
    der(0x60, ntlm, ntlmssp),
  ]) {
    t.strictSame(read(token), { kind: 'refused', code: 'negotiate-ntlm' })
  }
})

t.test('a mechanism of another kind is refused', async (t) => {
  const iakerb = oid('2b0601050205')
  for (const token of [negTokenInit([negoex, kerberos], mechToken(apReq)), negTokenInit([iakerb]), der(0x60, iakerb)]) {
    t.strictSame(read(token), { kind: 'refused', code: 'negotiate-mechanism' })
  }
})

t.test('what is cut short, too long or no token at all is refused before any library sees it', async (t) => {
  const whole = negTokenInit([kerberos], mechToken(apReq))
  const malformed = { kind: 'refused', code: 'negotiate-malformed' }
  const cuts = Array.from({ length: whole.length - 1 }, (_, length) => whole.subarray(0, length + 1))
  t.ok(cuts.every((cut) => read(cut).kind === 'refused'))
  for (const token of [
    Buffer.concat([whole, Buffer.from([0])]),
    negTokenInit([kerberos]),
    negTokenInit([]),
    der(0xa1, der(0x30, der(0xa0, der(0x0a, Buffer.from([0]))))),
    Buffer.from([0x60, 0x80, 0, 0]),
    Buffer.from([0x60, 0x84, 0, 0, 0, 0]),
    Buffer.from([0x60]),
    Buffer.alloc(200, 0xff),
  ]) {
    t.strictSame(read(token), malformed, token.toString('hex').slice(0, 40))
  }
  for (const text of ['Negotiate', 'Negotiate ', 'Negotiate !', 'Negotiate YII', 'Negotiate YI==IA', 'Negotiate a b']) {
    t.strictSame(readNegotiateHeader(text), malformed, text)
  }
  t.strictSame(readNegotiateHeader(`Negotiate ${whole.toString('base64url')}`), malformed)
  t.strictSame(read(negTokenInit([kerberos], mechToken(Buffer.alloc(65_000)))), malformed)
})
