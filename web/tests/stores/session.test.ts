import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { fetchConversation } from '@/api/conversations'
import { tokenLifetimeMs } from '@/stores/tokenLifetime'
import { useSessionStore } from '@/stores/useSessionStore'

import { account, FakeServer, settled } from '../support/server'
import { ADA } from '../support/world'

const token = (seconds: number, id = 'x') => `h.${btoa(JSON.stringify({ iat: 1_000, exp: 1_000 + seconds, jti: id })).replaceAll('=', '')}.s`

describe('the session store', () => {
  let server: FakeServer

  beforeEach(() => {
    vi.useFakeTimers()
    setActivePinia(createPinia())
    server = new FakeServer()
    server.install()
    server.on('GET', '/api/auth/me/', () => ({ body: account(ADA) }))
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('comes back from the cookie with an empty body', async () => {
    server.on('POST', '/api/auth/token/refresh/', () => ({ body: { access: token(600) } }))
    const session = useSessionStore()
    await session.restore()
    expect([session.status, session.me, server.requests[0]?.body]).toEqual(['signed_in', ADA, null])
  })

  it('is signed out when the cookie holds nothing, and says nothing about it', async () => {
    server.on('POST', '/api/auth/token/refresh/', () => ({ status: 401, body: { code: 'unauthenticated' } }))
    const session = useSessionStore()
    await session.restore()
    expect([session.status, session.notice]).toEqual(['signed_out', null])
  })

  it('does not take a broken line for the end of the session', async () => {
    server.on('POST', '/api/auth/token/refresh/', () => 'unreachable')
    const session = useSessionStore()
    await expect(session.restore()).rejects.toMatchObject({ status: 0 })
    expect(session.status).toBe('unknown')
    server.on('POST', '/api/auth/token/refresh/', () => ({ body: { access: token(600) } }))
    await session.restore()
    expect(session.status).toBe('signed_in')
  })

  it('asks once for however many calls that need a new token', async () => {
    let valid = token(600, 'a')
    server.on('POST', '/api/auth/token/', () => ({ body: { user: account(ADA), access: valid } }))
    server.on('POST', '/api/auth/token/refresh/', () => ({ body: { access: valid } }))
    server.on('GET', /conversations/, (request) => (request.token === valid ? { body: {} } : { status: 401, body: {} }))
    const session = useSessionStore()
    await session.signIn('ada', 'secret')
    valid = token(600, 'b')
    await Promise.all(['1', '2', '3'].map(fetchConversation))
    expect(server.count('POST', '/api/auth/token/refresh/')).toBe(1)
  })

  it('renews itself a minute before the end', async () => {
    server.on('POST', '/api/auth/token/', () => ({ body: { user: account(ADA), access: token(600, 'a') } }))
    server.on('POST', '/api/auth/token/refresh/', () => ({ body: { access: token(600, 'b') } }))
    const session = useSessionStore()
    await session.signIn('ada', 'secret')
    vi.advanceTimersByTime(539_000)
    expect(session.access).toBe(token(600, 'a'))
    vi.advanceTimersByTime(2_000)
    await settled()
    expect(session.access).toBe(token(600, 'b'))
  })

  it('ends with a word when the server has ended it', async () => {
    server.on('POST', '/api/auth/token/', () => ({ body: { user: account(ADA), access: token(600) } }))
    server.on('POST', '/api/auth/token/refresh/', () => ({ status: 401, body: { code: 'token_reused' } }))
    const session = useSessionStore()
    await session.signIn('ada', 'secret')
    expect(await session.refresh()).toBeNull()
    expect([session.status, session.access, session.notice !== null]).toEqual(['signed_out', null, true])
  })

  it('signs out here even when the server cannot be told', async () => {
    server.on('POST', '/api/auth/token/', () => ({ body: { user: account(ADA), access: token(600) } }))
    server.on('POST', '/api/auth/logout/', () => 'unreachable')
    const session = useSessionStore()
    await session.signIn('ada', 'secret')
    await session.signOut()
    expect([session.status, session.access, session.user]).toEqual(['signed_out', null, null])
  })

  it('reads how long a token lasts, and survives one it cannot read', () => {
    expect(tokenLifetimeMs(token(600))).toBe(600_000)
    expect(tokenLifetimeMs('nonsense')).toBe(300_000)
  })
})
