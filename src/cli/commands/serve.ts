import { CliError } from '../cli-error.ts'
import type { Answer, Call, CommandSpec } from '../command.ts'

/** Milliseconds for which a starting server waits until a command at work on its data folder is done. */
const patience = 30_000

/** `gatehouse serve` */
export const serveCommand: CommandSpec = {
  words: ['serve'],
  summary: 'run what the configuration names: federation server, proxy, or both',
  description:
    'Prints one line when it serves; the log goes to standard error as JSON lines. SIGTERM and SIGINT end it after what is\n' +
    'in flight has finished (`shutdownTimeout`); a second signal ends it at once.',
  examples: ['serve', 'serve --config /etc/gatehouse/gatehouse.yaml', 'GATEHOUSE_LOG_LEVEL=debug gatehouse serve'],
  run: serve,
}

async function serve(call: Call): Promise<Answer> {
  const configuration = await call.configuration()
  const [{ isServing }, { createLog }, { openGatehouse }, { firstSignal, startServing }] = await Promise.all([
    import('../administration/administration.ts'),
    import('../log.ts'),
    import('../gatehouse.ts'),
    import('../serve.ts'),
  ])
  if (await isServing(configuration)) {
    throw new CliError(
      'folder-in-use',
      `a gatehouse server is at work on the data folder ${configuration.data} already`,
    )
  }
  const signalled = firstSignal()
  const log = createLog(configuration.log)
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'fault; ending')
    log.flush()
    process.exit(1)
  })
  const onWait = () => log.warn({ data: configuration.data }, 'the data folder is in use by a command; waiting')
  const running = await startServing(await openGatehouse(configuration, { log, patience, onWait }))
  const addresses = running.addresses.map(
    ({ protocol, address, port }) => `${protocol}://${address.includes(':') ? `[${address}]` : address}:${port}`,
  )
  log.info({ addresses, roles: configuration.roles }, 'ready')
  const ready = call.json ? JSON.stringify({ ready: true, addresses }) : `Gatehouse is ready: ${addresses.join(' ')}`
  call.terminal.stdout.write(`${ready}\n`)
  const signal = await signalled
  log.info({ signal }, 'ending')
  await running.close()
  log.info('ended')
  log.flush()
  return { data: undefined, text: '' }
}
