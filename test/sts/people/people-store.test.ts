import t, { type Test } from 'tap'
import { openPeopleStore, type PeopleStore } from '../../../src/sts/people/people-store.ts'
import { openDatabase } from '../../../src/sts/store/database.ts'

const password = 'correct horse'

async function peopleOf(t: Test, ...names: string[]): Promise<PeopleStore> {
  const database = openDatabase({ file: ':memory:' })
  t.teardown(() => database.close())
  const people = openPeopleStore({ database })
  await Promise.all(names.map((name) => people.add({ upn: `${name}@contoso.test`, password })))
  return people
}

t.test('a person is found by UPN without regard to case, and by id', async (t) => {
  const people = await peopleOf(t)
  const alice = await people.add({ upn: 'Alice@contoso.test', displayName: 'Alice Adams', password })
  t.match(alice, {
    upn: 'Alice@contoso.test',
    displayName: 'Alice Adams',
    enabled: true,
    delegatable: true,
    groups: [],
  })
  t.same(people.find('ALICE@CONTOSO.TEST'), alice)
  t.same(people.get(alice.id), alice)
  t.equal(people.find('bob@contoso.test'), undefined)
  t.equal(people.find("' or 1=1 --@contoso.test"), undefined)
  t.equal(people.find(alice.id), undefined, 'an id is no name')
  t.equal(people.get('alice@contoso.test'), undefined, 'and a name no id')
})

t.test('a person without a display name has the part before the @', async (t) => {
  const people = await peopleOf(t, 'alice')
  t.equal(people.find('alice@contoso.test')?.displayName, 'alice')
  const long = `${'a'.repeat(900)}@contoso.test`
  await people.add({ upn: long, password })
  t.equal(people.find(long)?.displayName.length, 256)
})

t.test('a name is given once, whatever its case, even when two ask at the same time', async (t) => {
  const people = await peopleOf(t, 'alice')
  await t.rejects(people.add({ upn: 'ALICE@contoso.test', password }), { code: 'person-exists' })
  const both = await Promise.allSettled([
    people.add({ upn: 'bob@contoso.test', password }),
    people.add({ upn: 'Bob@contoso.test', password }),
  ])
  t.same(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  t.equal(people.list().length, 2)
})

for (const [what, input, code] of [
  ['no UPN', { upn: 'alice', password }, 'invalid-upn'],
  ['an empty password', { upn: 'carol@contoso.test', password: '' }, 'invalid-password'],
  ['a password of 1,025 bytes', { upn: 'carol@contoso.test', password: 'x'.repeat(1025) }, 'password-too-long'],
  ['a group that is not there', { upn: 'carol@contoso.test', password, groups: ['staff'] }, 'group-unknown'],
  ['a line feed in the display name', { upn: 'carol@contoso.test', displayName: 'a\nb', password }, 'invalid-upn'],
] as const) {
  t.test(`refuses to add a person with ${what}, and adds nothing`, async (t) => {
    const people = await peopleOf(t)
    await t.rejects(people.add(input), { name: 'StsError', code })
    t.same(people.list(), [])
  })
}

t.test('people are listed in the order of their names, a page at a time', async (t) => {
  const people = await peopleOf(t, 'dave', 'Bob', 'alice', 'Carol')
  await people.groups.add('staff')
  await people.groups.addMember('staff', 'carol@contoso.test')
  const first = people.list({ limit: 2 })
  t.same(
    first.map(({ upn }) => upn),
    ['alice@contoso.test', 'Bob@contoso.test'],
  )
  const second = people.list({ after: first.at(-1)?.upn, limit: 5 })
  t.same(
    second.map(({ upn, groups }) => [upn, groups]),
    [
      ['Carol@contoso.test', ['staff']],
      ['dave@contoso.test', []],
    ],
  )
  t.same(people.list({ after: 'dave@contoso.test' }), [])
})

t.test('a change is seen at once by whoever looks the person up again', async (t) => {
  const people = await peopleOf(t, 'alice')
  const before = people.find('alice@contoso.test')
  await people.setEnabled('Alice@contoso.test', false)
  await people.setDelegatable('alice@contoso.test', false)
  t.match(before, { enabled: true }, 'what was handed out does not change')
  t.match(people.find('alice@contoso.test'), { enabled: false, delegatable: false })
  t.match(people.get(before?.id ?? ''), { enabled: false })
})

t.test('a new password has a new hash and a higher version, and nothing of it is in the person', async (t) => {
  const people = await peopleOf(t, 'alice')
  const { id = '' } = people.find('alice@contoso.test') ?? {}
  const before = people.credentialsOf(id)
  await people.setPassword('alice@contoso.test', 'battery staple')
  const after = people.credentialsOf(id)
  t.not(after?.hash, before?.hash)
  t.equal(people.passwordHashOf(id), after?.hash)
  t.equal(after?.version, (before?.version ?? 0) + 1)
  t.notMatch(JSON.stringify(people.find('alice@contoso.test')), 'argon2')
  t.equal(people.credentialsOf('nobody'), undefined)
})

t.test('a change of somebody who is not there is refused by name', async (t) => {
  const people = await peopleOf(t)
  const unknown = { code: 'person-unknown', message: /mallory/ }
  await t.rejects(people.setEnabled('mallory@contoso.test', false), unknown)
  await t.rejects(people.setDelegatable('mallory@contoso.test', false), unknown)
  await t.rejects(people.setPassword('mallory@contoso.test', password), unknown)
  await t.rejects(people.setEnabled('mallory', false), unknown)
})

t.test('groups have members, each once, and are compared without regard to case', async (t) => {
  const people = await peopleOf(t, 'alice', 'bob')
  const { groups } = people
  await groups.add('Staff')
  await groups.add('admins')
  await groups.addMember('STAFF', 'alice@contoso.test')
  await groups.addMember('staff', 'Alice@contoso.test')
  await groups.addMember('Admins', 'alice@contoso.test')
  t.same(people.find('alice@contoso.test')?.groups, ['admins', 'Staff'])
  t.same(groups.list(), [
    { name: 'admins', members: 1 },
    { name: 'Staff', members: 1 },
  ])
  await groups.removeMember('staff', 'alice@contoso.test')
  await groups.removeMember('staff', 'bob@contoso.test')
  t.same(people.find('alice@contoso.test')?.groups, ['admins'])
  const carol = await people.add({ upn: 'carol@contoso.test', password, groups: ['STAFF', 'staff'] })
  t.same(carol.groups, ['Staff'])
})

t.test('a group is refused that is there already, has no name, or is not there', async (t) => {
  const { groups } = await peopleOf(t, 'alice')
  await groups.add('staff')
  await t.rejects(groups.add('STAFF'), { code: 'group-exists' })
  for (const name of ['', ' staff', 'a\u0000b', 'x'.repeat(257)]) {
    await t.rejects(groups.add(name), { code: 'invalid-group' })
  }
  await t.rejects(groups.addMember('nobody', 'alice@contoso.test'), { code: 'group-unknown' })
  await t.rejects(groups.removeMember('nobody', 'alice@contoso.test'), { code: 'group-unknown' })
  await t.rejects(groups.addMember('staff', 'mallory@contoso.test'), { code: 'person-unknown' })
})
