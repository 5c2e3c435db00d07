/**
 * Waits until something that another process does has happened: looks often, gives up late.
 * @throws {Error} after 20 s.
 */
export async function until(happened: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!happened()) {
    if (performance.now() > end) throw new Error('it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
