import t from 'tap'
import { createSessionMemory } from '../../../src/sts/sessions/session-memory.ts'
import type { SsoSession } from '../../../src/sts/sessions/sso-session.ts'

const session = (sid: string, participants: string[] = []): SsoSession => ({
  sid,
  personId: 'alice-id',
  upn: 'alice@contoso.test',
  methods: [],
  authenticatedAt: new Date(0),
  expiresAt: new Date(1),
  persistent: false,
  participants,
})

t.test('keeps a bounded number, the longest unchanged go first', async (t) => {
  const memory = createSessionMemory(3)
  for (const sid of ['a', 'b', 'c']) memory.set(`hash ${sid}`, session(sid))
  memory.set('hash a', session('a', ['trust']))
  memory.set('hash d', session('d'))
  t.equal(memory.get('hash b'), undefined)
  t.equal(memory.find('b'), undefined)
  t.same(memory.get('hash a')?.participants, ['trust'])
  t.ok(memory.find('c') && memory.find('d'))
})

t.test('forgets by id, and what it does not know is no error', async (t) => {
  const memory = createSessionMemory()
  memory.set('hash a', session('a'))
  memory.delete('a')
  memory.delete('a')
  t.equal(memory.get('hash a'), undefined)
  t.equal(memory.find('a'), undefined)
})
