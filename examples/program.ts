/**
 * A program that calls a published application. It is not sent to a sign-in page, but told in a form that it can read
 * where a person can sign in (RFC 9457).
 *
 *     node examples/program.ts http://crm.contoso.localhost:8080/orders
 *
 * With an access cookie in ACCESS_COOKIE (`EdgeAccessCookie=…`, from a browser that is signed in) it is let in.
 */
const [address = 'http://crm.contoso.localhost:8080/'] = process.argv.slice(2)
const { ACCESS_COOKIE } = process.env
const url = new URL(address)

// Names under localhost are this machine's own, which Node does not know by itself.
const local = url.hostname.endsWith('.localhost')
const { Agent, fetch } = await import('undici')
const dispatcher = new Agent(
  local
    ? {
        connect: {
          lookup: (_host, options, done) =>
            options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4),
        },
      }
    : {},
)

const answer = await fetch(url, {
  dispatcher,
  redirect: 'manual',
  headers: {
    accept: 'application/json',
    ...(ACCESS_COOKIE === undefined ? {} : { cookie: ACCESS_COOKIE }),
  },
})
if (answer.status === 401) {
  const problem = (await answer.json()) as { title?: string; sign_in?: string }
  console.log(`${problem.title ?? 'Not signed in'}. Sign in at ${problem.sign_in}`)
} else {
  console.log(`${answer.status} ${await answer.text()}`)
}
await dispatcher.close()
