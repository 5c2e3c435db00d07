import { dirname, relative, resolve, sep } from 'node:path'
import { z } from 'zod'
import { configurationSchema } from './configuration.ts'

/** A problem of a value at a path of the configuration. */
export interface ValueProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

const shape = configurationSchema.shape
const looseTrusts = z.looseObject({
  federationService: z.looseObject({
    trusts: z.array(z.looseObject({ id: z.unknown().optional(), name: z.unknown().optional() })),
  }),
})
const looseListeners = z.array(z.looseObject({ address: z.unknown().optional(), port: z.unknown().optional() }))

/**
 * What no single key can know: what belongs together, and what excludes each other. Reads raw values and passes over
 * what is malformed, so that these problems are told together with the schema's and not a start later.
 * @param raw the configuration as written.
 * @param file the configuration file, absolute.
 */
export function crossCheck(raw: Readonly<Record<string, unknown>>, file: string): ValueProblem[] {
  const problems: ValueProblem[] = []
  const problem = (path: (string | number)[], message: string) => problems.push({ path, message })

  const roles = shape.roles.safeParse(raw['roles'])
  if (roles.success) {
    const [isSts, isProxy] = [roles.data.includes('sts'), roles.data.includes('proxy')]
    const { sts, proxy } = raw
    const foreign = z.looseObject({ federationService: z.unknown().optional() }).safeParse(proxy)
      .data?.federationService
    if (isSts && sts === undefined) problem(['sts'], 'is missing: the role `sts` needs at least `url`')
    if (!isSts && sts !== undefined) problem(['sts'], 'is given, but `roles` does not name `sts`')
    if (!isProxy && proxy !== undefined) problem(['proxy'], 'is given, but `roles` does not name `proxy`')
    if (!isProxy && raw['kerberos'] !== undefined) {
      problem(['kerberos'], 'is given, but `roles` does not name `proxy`')
    }
    if (isProxy && !isSts && foreign === undefined) {
      problem(['proxy', 'federationService'], 'is missing: a proxy without the role `sts` beside it needs it')
    }
    if (isProxy && isSts && foreign !== undefined) {
      problem(['proxy', 'federationService'], 'must be left out: the federation server is in the same process')
    }
  }

  const trusts = looseTrusts.safeParse(raw['proxy']).data?.federationService.trusts ?? []
  for (const key of ['id', 'name'] as const) {
    const seen = new Set<string>()
    for (const [index, trust] of trusts.entries()) {
      const value = typeof trust[key] === 'string' ? trust[key].toLowerCase() : undefined
      if (value === undefined) continue
      if (seen.has(value)) problem(['proxy', 'federationService', 'trusts', index, key], 'is that of a trust above')
      seen.add(value)
    }
  }

  const places = new Set<string>()
  for (const [index, { address = '127.0.0.1', port }] of (
    looseListeners.safeParse(raw['listeners']).data ?? []
  ).entries()) {
    const place = `${String(address)} ${String(port)}`
    if (port !== 0 && places.has(place)) problem(['listeners', index, 'port'], 'is taken by a listener above')
    places.add(place)
  }

  const data = shape.data.safeParse(raw['data'])
  const key = shape.masterKeyFile.safeParse(raw['masterKeyFile'])
  if (data.success && key.success) {
    const way = relative(resolve(dirname(file), data.data), resolve(dirname(file), key.data))
    if (way !== '..' && !way.startsWith(`..${sep}`)) {
      problem(
        ['masterKeyFile'],
        'must lie outside the data folder: whoever copies that one must not have the key with it',
      )
    }
  }
  return problems
}
