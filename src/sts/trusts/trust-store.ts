import type { Database } from '../store/database.ts'
import { createListeners } from '../store/listeners.ts'
import type { Run } from '../store/transaction.ts'
import { StsError } from '../sts-error.ts'
import {
  changeTrust,
  nameKey,
  parseTrust,
  type RelyingPartyTrust,
  type RelyingPartyTrustInput,
  type RelyingPartyTrustPatch,
  storedTrust,
} from './relying-party-trust.ts'

/**
 * The relying party trusts. Reads are synchronous and from memory, one look-up whether there are ten or ten thousand;
 * changes are on disk when their promise resolves. Names are compared without regard to case and are unique, and so are
 * identifiers over all trusts.
 */
export interface TrustStore {
  /** By GUID, without regard to case. */
  get(id: string): RelyingPartyTrust | undefined
  findByName(name: string): RelyingPartyTrust | undefined
  /** Sorted by name. */
  list(): readonly RelyingPartyTrust[]
  /** @throws {StsError} `invalid-trust`, `trust-exists` */
  add(input: RelyingPartyTrustInput): Promise<RelyingPartyTrust>
  /** Changes what the patch names. @throws {StsError} `trust-unknown`, `invalid-trust`, `trust-exists` */
  update(id: string, patch: RelyingPartyTrustPatch): Promise<RelyingPartyTrust>
  /** @throws {StsError} `trust-unknown` */
  remove(id: string): Promise<void>
  /** Does nothing when the address is there already. @throws {StsError} `trust-unknown`, `invalid-trust` */
  addPublishedAddress(id: string, url: string): Promise<RelyingPartyTrust>
  /** Does nothing when the address is not there. @throws {StsError} `trust-unknown` */
  removePublishedAddress(id: string, url: string): Promise<RelyingPartyTrust>
  /** Does nothing when the name is there already. @throws {StsError} `trust-unknown`, `invalid-trust` */
  addDelegation(id: string, spn: string): Promise<RelyingPartyTrust>
  /** Tells the id of each trust that was added, changed or removed. @returns a function that ends the listening. */
  onChange(listener: (id: string) => void): () => void
}

/** Opens the trusts of a database and reads them into memory. */
export function openTrustStore({ database }: { database: Database }): TrustStore {
  const { query } = database
  const byId = new Map<string, RelyingPartyTrust>()
  const byName = new Map<string, RelyingPartyTrust>()
  const listeners = createListeners<string>()
  let sorted: readonly RelyingPartyTrust[] | undefined

  const definitions = query.selectFrom('relying_party_trusts').select('definition')
  for (const { definition } of database.read(definitions)) remember(storedTrust(definition))

  function remember(trust: RelyingPartyTrust): void {
    forget(trust.id)
    byId.set(trust.id, trust)
    byName.set(nameKey(trust.name), trust)
  }

  function forget(id: string): void {
    const trust = byId.get(id)
    sorted = undefined
    if (trust === undefined) return
    byId.delete(id)
    byName.delete(nameKey(trust.name))
  }

  /** The trust as the running transaction sees it. */
  function load(run: Run, id: string): RelyingPartyTrust {
    const [row] = run(definitions.where('id', '=', id.toLowerCase()))
    if (row === undefined) throw new StsError('trust-unknown', `there is no relying party trust ${JSON.stringify(id)}`)
    return storedTrust(row.definition)
  }

  function requireOwnName(run: Run, { id, name }: RelyingPartyTrust): void {
    const others = query.selectFrom('relying_party_trusts').select('id').where('id', '!=', id)
    if (run(others.where('name_key', '=', nameKey(name))).length > 0) {
      throw new StsError('trust-exists', `there is a relying party trust ${JSON.stringify(name)} already`)
    }
  }

  function writeIdentifiers(run: Run, { id, identifiers }: RelyingPartyTrust): void {
    run(query.deleteFrom('relying_party_identifiers').where('trust_id', '=', id))
    for (const identifier of identifiers) {
      const row = { identifier_key: nameKey(identifier), trust_id: id }
      const insert = query.insertInto('relying_party_identifiers').values(row)
      const added = run(insert.onConflict((conflict) => conflict.doNothing()).returning('trust_id'))
      if (added.length === 0) {
        throw new StsError('trust-exists', `the identifier ${identifier} belongs to another relying party trust`)
      }
    }
  }

  function change(id: string, how: (trust: RelyingPartyTrust) => RelyingPartyTrust): Promise<RelyingPartyTrust> {
    return database.write((run, onCommit) => {
      const before = load(run, id)
      const trust = how(before)
      if (trust === before) return trust
      requireOwnName(run, trust)
      const { name } = trust
      const row = { name, name_key: nameKey(name), definition: JSON.stringify(trust) }
      run(query.updateTable('relying_party_trusts').set(row).where('id', '=', trust.id))
      writeIdentifiers(run, trust)
      onCommit(() => {
        remember(trust)
        listeners.tell(trust.id)
      })
      return trust
    })
  }

  return {
    get: (id) => byId.get(id) ?? byId.get(id.toLowerCase()),
    findByName: (name) => byName.get(nameKey(name)),
    list() {
      sorted ??= [...byId.values()].sort((a, b) => (nameKey(a.name) < nameKey(b.name) ? -1 : 1))
      return sorted
    },
    async add(input) {
      const trust = parseTrust(input)
      return database.write((run, onCommit) => {
        requireOwnName(run, trust)
        const { id, name } = trust
        const row = { id, name, name_key: nameKey(name), definition: JSON.stringify(trust) }
        const insert = query.insertInto('relying_party_trusts').values(row)
        const added = run(insert.onConflict((conflict) => conflict.doNothing()).returning('id'))
        if (added.length === 0) throw new StsError('trust-exists', `there is a relying party trust ${id} already`)
        writeIdentifiers(run, trust)
        onCommit(() => {
          remember(trust)
          listeners.tell(id)
        })
        return trust
      })
    },
    update: async (id, patch) => change(id, (trust) => changeTrust(trust, patch)),
    async remove(id) {
      await database.write((run, onCommit) => {
        const trust = load(run, id)
        run(query.deleteFrom('relying_party_trusts').where('id', '=', trust.id))
        onCommit(() => {
          forget(trust.id)
          listeners.tell(trust.id)
        })
      })
    },
    addPublishedAddress: (id, url) => change(id, (trust) => withItem(trust, 'publishedAddresses', url)),
    removePublishedAddress: (id, url) =>
      change(id, (trust) => {
        const spelled = URL.parse(url)?.href ?? url
        const publishedAddresses = trust.publishedAddresses.filter((address) => address !== spelled)
        return publishedAddresses.length === trust.publishedAddresses.length ? trust : { ...trust, publishedAddresses }
      }),
    addDelegation: (id, spn) => change(id, (trust) => withItem(trust, 'delegateTo', spn)),
    onChange: (listener) => listeners.add(listener),
  }
}

/** The trust with one more item in a list; the same trust when it is there already. */
function withItem(
  trust: RelyingPartyTrust,
  list: 'publishedAddresses' | 'delegateTo',
  item: string,
): RelyingPartyTrust {
  const changed = changeTrust(trust, { [list]: [...trust[list], item] })
  return changed[list].length === trust[list].length ? trust : changed
}
