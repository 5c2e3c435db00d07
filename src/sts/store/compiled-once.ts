import type { Compilable, CompiledQuery } from 'kysely'

/**
 * A statement that is compiled when it is first run and from then on only given other values: building and compiling
 * costs more than running a small one.
 * @param names the values that change.
 * @param build builds the statement; the values that it gets are placeholders, each to be used as a value as it is.
 */
export function compiledOnce<Values extends object, R>(
  names: readonly (keyof Values & string)[],
  build: (placeholders: Values) => Compilable<R>,
): (values: Values) => Compilable<R> {
  let compiled: CompiledQuery<R> | undefined
  let places: readonly (keyof Values)[] = []
  return (values) => ({
    compile() {
      compiled ??= compileWithPlaceholders()
      return { ...compiled, parameters: places.map((name) => values[name]) }
    },
  })

  function compileWithPlaceholders(): CompiledQuery<R> {
    const placeholders = new Map(names.map((name) => [Symbol(name), name]))
    const values = Object.fromEntries([...placeholders].map(([placeholder, name]) => [name, placeholder]))
    const query = build(values as Values).compile()
    places = query.parameters.map((parameter) => {
      const name = placeholders.get(parameter as symbol)
      if (name === undefined) throw new TypeError('a statement that is compiled once has no other values than its own')
      return name
    })
    return query
  }
}
