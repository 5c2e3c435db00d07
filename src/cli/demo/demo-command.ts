import type { CommandSpec } from '../command.ts'

/** `gatehouse demo`; what it does is in `demo.ts`, which is only loaded when it is asked for. */
export const demoCommand: CommandSpec = {
  words: ['demo'],
  summary: 'try everything on this machine: server, proxy and sample applications in one process',
  description:
    'Its names lie under contoso.localhost and share one port; browsers and curl find them by themselves. Its passwords are\n' +
    'known to everybody, so it listens on loopback addresses only. Every command works on a running demo: give it\n' +
    '--config DIR/gatehouse.yaml. Ctrl-C stops it.',
  options: [
    { name: 'port', value: 'N', help: 'port for all of its names; 0 takes a free one; default 8080' },
    {
      name: 'data',
      value: 'DIR',
      help: 'keep everything in DIR and go on with it at the next start; default a temporary folder',
    },
    { name: 'tls', help: 'serve https with an authority of its own; --no-tls turns it off again in the same folder' },
    {
      name: 'kerberos',
      help: 'add an application that takes Kerberos alone, with a KDC and an Apache of Debian’s packages; --no-kerberos turns it off again in the same folder',
    },
    { name: 'address', value: 'IP', help: 'loopback address to listen on; default 127.0.0.1' },
  ],
  readsItself: true,
  examples: ['demo', 'demo --port 9000 --tls', 'demo --data ./my-demo', 'demo --kerberos'],
  async run(call) {
    const { runDemo } = await import('./demo.ts')
    const { stdout, stderr } = call.terminal
    const exitCode = await runDemo(call.rest, {
      out: (text) => void stdout.write(text),
      error: (text) => void stderr.write(text),
    })
    return { data: undefined, text: '', exitCode }
  },
}
