import t from 'tap'
import { parseDemoOptions } from '../../../src/cli/demo/demo-options.ts'

t.test('without a word everything is left to the folder and the defaults', async (t) => {
  t.same(parseDemoOptions([]), {
    port: undefined,
    address: undefined,
    tls: undefined,
    data: undefined,
  })
})

t.test('takes port, folder, address and TLS', async (t) => {
  t.same(parseDemoOptions(['--port', '9000', '--data=my demo', '--tls', '--address', '::1']), {
    port: 9000,
    address: '::1',
    tls: true,
    data: 'my demo',
  })
  t.match(parseDemoOptions(['--no-tls', '--port=0']), { tls: false, port: 0 })
})

for (const { words, code, says } of [
  { words: ['--port', '65536'], code: 'usage', says: /0 to 65535, not "65536"/ },
  { words: ['--port', '-1'], code: 'usage', says: /port/ },
  { words: ['--port', ''], code: 'usage', says: /0 to 65535/ },
  { words: ['--port', '1e3'], code: 'usage', says: /0 to 65535/ },
  { words: ['--port'], code: 'usage', says: /port/ },
  { words: ['--prot', '80'], code: 'usage', says: /--prot/ },
  { words: ['extra'], code: 'usage', says: /extra/ },
  { words: ['--data', ''], code: 'usage', says: /path of a folder/ },
  { words: ['--address', 'localhost'], code: 'usage', says: /IP address/ },
  { words: ['--address', '0.0.0.0'], code: 'listen', says: /loopback addresses only, not on "0.0.0.0"/ },
  { words: ['--address', '::'], code: 'listen', says: /loopback/ },
  { words: ['--address', '192.0.2.1'], code: 'listen', says: /loopback/ },
  { words: ['--port', '0.0.0.0:8080'], code: 'listen', says: /loopback addresses only, not on "0.0.0.0"/ },
  { words: ['--port', `9\n${'9'.repeat(10_000)}`], code: 'usage', says: /^.{1,200}$/ },
]) {
  const shown = words.join(' ').slice(0, 30)
  t.test(`refuses ${JSON.stringify(shown)} in one line`, async (t) => {
    t.throws(() => parseDemoOptions(words), { code, message: says })
  })
}
