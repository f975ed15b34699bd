import { beforeEach, describe, expect, it } from 'vitest'

import { ApiError } from '@/api/errors'
import { createHttp, type Http } from '@/api/http'

interface Call { url: string; init: RequestInit }

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(body === null ? null : JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } })

describe('the HTTP client', () => {
  let calls: Call[]
  let answers: (() => Response)[]
  let token: string | null
  let refreshes: number
  let next: string | null
  let http: Http
  const header = (n: number, name: string) => new Headers(calls[n]?.init.headers).get(name)

  beforeEach(() => {
    ;[calls, answers, token, refreshes, next] = [[], [], 'T1', 0, 'T2']
    http = createHttp((url, init) => {
      calls.push({ url, init })
      const answer = answers.shift()
      return answer ? Promise.resolve(answer()) : Promise.reject(new TypeError('Failed to fetch'))
    })
    http.useCredentials({
      token: () => token,
      refresh: () => {
        refreshes += 1
        token = next
        return Promise.resolve(next)
      },
    })
  })

  it('sends the token, and the body only when there is one', async () => {
    answers = [() => json(200, { ok: 1 }), () => json(200, { ok: 2 })]
    expect(await http.request('POST', '/api/x/', { body: { a: 1 } })).toEqual({ ok: 1 })
    await http.request('GET', '/api/x/', { query: { search: 'a b', cursor: null, limit: 5 } })
    expect(header(0, 'Authorization')).toBe('Bearer T1')
    expect(calls[0]?.init.body).toBe('{"a":1}')
    expect(calls[1]?.url).toBe('/api/x/?search=a+b&limit=5')
    expect(header(1, 'Content-Type')).toBeNull()
  })

  it('refreshes once after a 401 and tries again', async () => {
    answers = [() => json(401, { code: 'token_expired' }), () => json(200, { fine: true })]
    expect(await http.request('GET', '/api/x/')).toEqual({ fine: true })
    expect([refreshes, header(1, 'Authorization')]).toEqual([1, 'Bearer T2'])
  })

  it('uses the token another call has brought meanwhile', async () => {
    answers = [
      () => {
        token = 'T9'
        return json(401, {})
      },
      () => json(200, {}),
    ]
    await http.request('GET', '/api/x/')
    expect([refreshes, header(1, 'Authorization')]).toEqual([0, 'Bearer T9'])
  })

  it('gives up when the session is over, or the new token is refused too', async () => {
    next = null
    answers = [() => json(401, { code: 'token_revoked', detail: 'Over.' })]
    await expect(http.request('GET', '/api/x/')).rejects.toMatchObject({ status: 401, code: 'token_revoked' })
    ;[token, next] = ['T1', 'T2']
    answers = [() => json(401, {}), () => json(401, { code: 'token_expired' })]
    await expect(http.request('GET', '/api/x/')).rejects.toMatchObject({ status: 401 })
    expect(calls).toHaveLength(3)
  })

  it('neither sends a token nor refreshes for an anonymous call', async () => {
    answers = [() => json(401, { code: 'invalid_credentials', detail: 'No.' })]
    await expect(http.request('POST', '/api/auth/token/', { body: {}, anonymous: true, cookie: true })).rejects.toThrow('No.')
    expect([header(0, 'Authorization'), header(0, 'X-Refresh-Transport'), refreshes]).toEqual([null, 'cookie', 0])
  })

  it('reads problem details', async () => {
    const problem = { title: 'Bad', status: 400, code: 'invalid', detail: 'Not right.', request_id: 'r1', errors: [{ field: 'username', code: 'taken', detail: 'Taken.' }] }
    answers = [() => json(400, problem)]
    const error = await http.request('POST', '/api/x/', { body: {} }).catch((caught: unknown) => caught as ApiError)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ status: 400, code: 'invalid', detail: 'Not right.', requestId: 'r1', temporary: false })
    expect((error as ApiError).fieldDetail('username')).toBe('Taken.')
    expect((error as ApiError).fieldDetail('email')).toBeNull()
  })

  it('makes an error of anything else too', async () => {
    answers = [() => new Response('<html>', { status: 502 }), () => json(429, { code: 'rate_limited' }, { 'Retry-After': '3' }), () => new Response('oops', { status: 200 })]
    await expect(http.request('GET', '/api/x/')).rejects.toMatchObject({ status: 502, temporary: true })
    await expect(http.request('GET', '/api/x/')).rejects.toMatchObject({ status: 429, retryAfterMs: 3_000, temporary: true })
    await expect(http.request('GET', '/api/x/')).rejects.toMatchObject({ code: 'unreachable' })
    await expect(http.request('GET', '/api/x/')).rejects.toMatchObject({ status: 0, code: 'unreachable', temporary: true })
  })

  it('gives nothing for 204', async () => {
    answers = [() => json(204, null)]
    expect(await http.request('DELETE', '/api/x/')).toBeUndefined()
  })
})
