/** Writes through every store as fast as it can and says on stdout what is acknowledged, until it is killed. */
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { createAuditTrail } from '../../../src/sts/audit/audit-trail.ts'
import { createAccountChanges } from '../../../src/sts/people/account-changes.ts'
import { openPeopleStore } from '../../../src/sts/people/people-store.ts'
import { openSessionStore } from '../../../src/sts/sessions/session-store.ts'
import { openDatabase } from '../../../src/sts/store/database.ts'
import { openTrustStore } from '../../../src/sts/trusts/trust-store.ts'

const [file = ''] = process.argv.slice(2)
const now = new Date('2026-11-23T10:00:00Z')
const database = openDatabase({ file })
const people = openPeopleStore({ database })
const sessions = openSessionStore({ database, now })
const trusts = openTrustStore({ database })
const audit = createAuditTrail({ database })
const accounts = createAccountChanges({ database, people, sessions })

const acknowledge = (...words: string[]): void => void writeSync(1, `${words.join(' ')}\n`)

async function writeTrusts(): Promise<never> {
  for (;;) {
    const { id } = await trusts.add({ name: randomUUID(), identifiers: [`urn:${randomUUID()}`] })
    acknowledge('trust', id)
    await trusts.addPublishedAddress(id, 'https://app.contoso.test/x/')
    acknowledge('published', id)
  }
}

async function writeAudit(): Promise<never> {
  for (;;) {
    const requestId = randomUUID()
    await audit.record({ at: now, event: 'sign-in', result: 'success', requestId })
    acknowledge('audit', requestId)
  }
}

async function writeSessions(): Promise<never> {
  const [person] = people.list()
  if (person === undefined) throw new Error('nobody is there')
  for (;;) {
    const kept = await sessions.start({ person, methods: [], persistent: false, now })
    acknowledge('session', kept.secret)
    const { session, secret } = await sessions.start({ person, methods: [], persistent: false, now })
    await sessions.end(session.sid, now)
    acknowledge('ended', session.sid, secret, String(sessions.ended.number))
  }
}

async function disablePeople(): Promise<void> {
  for (const person of people.list().slice(1)) {
    if (!person.enabled) continue
    await sessions.start({ person, methods: [], persistent: false, now })
    await accounts.disable(person.upn, now)
    acknowledge('disabled', person.upn)
  }
}

await Promise.all([writeTrusts(), writeTrusts(), writeAudit(), writeAudit(), writeSessions(), disablePeople()])
