import t from 'tap'
import { kdcAddressText, parseKdcAddress } from '../../../src/kcd/kdc/kdc-address.ts'

t.test('an address may have a port, the port of Kerberos is the usual one', async (t) => {
  for (const [text, host, port] of [
    ['kdc.example.test', 'kdc.example.test', 88],
    ['kdc.example.test:1088', 'kdc.example.test', 1088],
    ['127.0.0.1:88', '127.0.0.1', 88],
    ['::1', '::1', 88],
    ['[2001:db8::1]', '2001:db8::1', 88],
    ['[2001:db8::1]:1088', '2001:db8::1', 1088],
  ] as const) {
    t.same(parseKdcAddress(text), { host, port }, text)
    t.same(parseKdcAddress(kdcAddressText({ host, port })), { host, port }, `${text} there and back`)
  }
})

t.test('what is no address is a mistake of whoever configured it', async (t) => {
  for (const text of [
    '',
    ':88',
    'kdc:0',
    'kdc:65536',
    'kdc:port',
    'kdc example',
    'http://kdc',
    '[kdc]:88',
    '[::1',
    'a:b:c',
  ]) {
    t.throws(() => parseKdcAddress(text), TypeError, text)
  }
})
