import { existsSync } from 'node:fs'
import t from 'tap'
import { callAdministration } from './administration-call.ts'
import { makeInstallation, temporaryFolder } from './installation.ts'
import { until } from './until.ts'

t.test(
  'killed in the middle of changes it has lost none that it acknowledged, and starts again as if nothing had been',
  async (t) => {
    const here = await makeInstallation(await temporaryFolder(t))
    const acknowledged: string[] = []
    for (const round of [1, 2]) {
      const server = await here.serve()
      t.teardown(() => server.stop('SIGKILL'))
      let sent = 0
      const change = async (): Promise<void> => {
        const name = `group-${round}-${sent++}`
        const { result } = await callAdministration(here.socket, 'group.add', { name })
        if (result !== undefined) acknowledged.push(name)
        return change()
      }
      const workers = Promise.allSettled([1, 2, 3, 4].map(change))
      await until(() => acknowledged.length > 40 * round)
      await server.stop('SIGKILL')
      await workers
      t.ok(existsSync(here.socket), 'the socket is left over')
      const groups = await here.inThisProcess.json<{ name: string }[]>(['group', 'list'])
      const names = new Set(groups.map(({ name }) => name))
      t.strictSame(
        acknowledged.filter((name) => !names.has(name)),
        [],
      )
    }
    const server = await here.serve()
    t.match(await callAdministration(here.socket, 'group.add', { name: 'one more' }), { status: 200 })
    t.equal((await server.stop()).code, 0)
  },
)
