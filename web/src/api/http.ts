/**
 * One way to call the server: JSON both ways, problem details as `ApiError`, and one silent refresh when the access token has ended.
 * Knows nothing of who is signed in: the session store plugs itself in with `useCredentials`.
 */

import { ApiError, type FieldError } from '@/api/errors'

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'

export interface Options {
  body?: object
  query?: Record<string, string | number | null | undefined>
  /** Send no token and do not refresh: signing in, registering, the refresh itself. */
  anonymous?: boolean
  /** Keep the refresh token in its cookie. */
  cookie?: boolean
}

export interface Credentials {
  token(): string | null
  /** This will get a new access token, one request for however many callers; `null` when the session is over. */
  refresh(): Promise<string | null>
}

export interface Http {
  useCredentials(credentials: Credentials): void
  request<T>(method: Method, path: string, options?: Options): Promise<T>
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** This will make an HTTP client on top of `fetch`. */
export function createHttp(fetch: Fetch): Http {
  let credentials: Credentials = { token: () => null, refresh: () => Promise.resolve(null) }

  async function once(method: Method, path: string, options: Options, token: string | null): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json' }
    if (options.body) headers['Content-Type'] = 'application/json'
    if (options.cookie) headers['X-Refresh-Transport'] = 'cookie'
    if (token) headers['Authorization'] = `Bearer ${token}`
    const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store' }
    if (options.body) init.body = JSON.stringify(options.body)
    try {
      return await fetch(withQuery(path, options.query), init)
    } catch {
      throw new ApiError(0, 'unreachable', 'The server cannot be reached. Check your connection.')
    }
  }

  async function authorised(method: Method, path: string, options: Options): Promise<Response> {
    const token = credentials.token() ?? (await credentials.refresh())
    const response = await once(method, path, options, token)
    if (response.status !== 401) return response
    // Somebody else may have refreshed while this request was under way.
    const current = credentials.token()
    const fresh = current !== null && current !== token ? current : await credentials.refresh()
    return fresh === null ? response : once(method, path, options, fresh)
  }

  return {
    useCredentials(value) {
      credentials = value
    },
    async request<T>(method: Method, path: string, options: Options = {}): Promise<T> {
      const response = options.anonymous ? await once(method, path, options, null) : await authorised(method, path, options)
      if (!response.ok) throw await readProblem(response)
      return (response.status === 204 ? undefined : await readJson(response)) as T
    },
  }
}

function withQuery(path: string, query: Options['query']): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== '')
  return pairs.length ? `${path}?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString()}` : path
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    throw new ApiError(0, 'unreachable', 'The server gave an answer that cannot be read.')
  }
}

async function readProblem(response: Response): Promise<ApiError> {
  const problem = await response.json().then(asRecord, () => ({}) as Record<string, unknown>)
  const text = (key: string) => (typeof problem[key] === 'string' ? problem[key] : null)
  const fields = Array.isArray(problem['errors']) ? problem['errors'].map(asRecord).map(asFieldError) : []
  const detail = text('detail') || text('title') || `The server answered ${String(response.status)}.`
  return new ApiError(response.status, text('code') ?? 'unknown', detail, fields, text('request_id'), retryAfter(response))
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function asFieldError(value: Record<string, unknown>): FieldError {
  return { field: String(value['field'] ?? ''), code: String(value['code'] ?? ''), detail: String(value['detail'] ?? value['code'] ?? '') }
}

function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('Retry-After') ?? NaN)
  return Number.isFinite(seconds) ? seconds * 1_000 : null
}
