import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { createAuditTrail } from '../../../src/sts/audit/audit-trail.ts'
import { openPeopleStore } from '../../../src/sts/people/people-store.ts'
import { openSessionStore } from '../../../src/sts/sessions/session-store.ts'
import { openDatabase } from '../../../src/sts/store/database.ts'
import { openTrustStore } from '../../../src/sts/trusts/trust-store.ts'

const child = join(import.meta.dirname, 'writing-child.ts')
const now = new Date('2026-11-23T10:00:00Z')

/** Lets the child write, kills it without warning after some acknowledgements, and answers all that it acknowledged. */
async function killWhileWriting(file: string, after: number): Promise<string[][]> {
  const writer = spawn(process.execPath, [child, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const acknowledged: string[][] = []
  for await (const line of createInterface({ input: writer.stdout })) {
    acknowledged.push(line.split(' '))
    if (acknowledged.length === after) writer.kill('SIGKILL')
  }
  return acknowledged
}

t.test('whatever was acknowledged before a kill -9 is there at the next start, without repair', async (t) => {
  const file = join(t.testdir(), 'gatehouse.db')
  const seed = openDatabase({ file })
  const seedPeople = openPeopleStore({ database: seed })
  const names = ['alice', ...Array.from({ length: 12 }, (_, index) => `person${index}`)]
  await Promise.all(names.map((name) => seedPeople.add({ upn: `${name}@contoso.test`, password: 'correct horse' })))
  await seed.close()

  for (let round = 0; round < 8; round++) {
    const acknowledged = await killWhileWriting(file, randomInt(1, 500))
    t.ok(acknowledged.length > 0, `round ${round}: ${acknowledged.length} changes acknowledged`)

    const raw = new DatabaseSync(file)
    t.same({ ...raw.prepare('pragma integrity_check').get() }, { integrity_check: 'ok' })
    raw.close()

    const database = openDatabase({ file })
    const people = openPeopleStore({ database })
    const sessions = openSessionStore({ database, now })
    const trusts = openTrustStore({ database })
    const audit = createAuditTrail({ database })
    const lost = acknowledged.filter(([what, id = '', secret = '', number]) => {
      if (what === 'trust') return trusts.get(id) === undefined
      if (what === 'published') return trusts.get(id)?.publishedAddresses.length !== 1
      if (what === 'audit') return audit.list({ requestId: id }).length !== 1
      if (what === 'session') return sessions.find(id, now) === undefined
      if (what === 'disabled') return people.find(id)?.enabled !== false
      const revived = !sessions.ended.isEnded({ sid: id, issuedAt: now }) || sessions.find(secret, now) !== undefined
      return revived || sessions.ended.number < Number(number)
    })
    t.same(lost, [], `round ${round}: nothing is lost`)

    const living = new Set(sessions.list(now).map(({ upn }) => upn))
    const halfDone = people.list().filter(({ enabled, upn }) => !enabled && living.has(upn))
    t.same(halfDone, [], `round ${round}: nobody is disabled and signed in`)
    for (const { upn } of people.list()) await people.setEnabled(upn, true)
    await database.close()
  }
})
