/**
 * The server as the stores see it: `fetch` and `WebSocket`, answered by a test.
 */

import { vi } from 'vitest'

export type Answer = { status?: number; body?: unknown; headers?: Record<string, string> } | 'unreachable'
export interface Request { method: string; path: string; query: URLSearchParams; body: unknown; token: string | null }
type Handler = (request: Request) => Answer | Promise<Answer> | undefined

export class FakeSocket {
  static all: FakeSocket[] = []
  static get latest(): FakeSocket {
    return FakeSocket.all.at(-1) as FakeSocket
  }

  sent: Record<string, unknown>[] = []
  onopen = () => {}
  onmessage: (message: { data: string }) => void = () => {}
  onclose: (close: { code: number }) => void = () => {}
  closedWith: number | null = null

  constructor(readonly url: URL, readonly protocol: string) {
    FakeSocket.all.push(this)
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>)
  }

  close(code: number): void {
    this.closedWith = code
  }

  receive(frame: object): void {
    this.onmessage({ data: JSON.stringify(frame) })
  }

  of(type: string): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame['type'] === type)
  }
}

/** A tab's own storage. */
function tabStorage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  const held = new Map<string, string>()
  return {
    getItem: (name) => held.get(name) ?? null,
    setItem: (name, value) => void held.set(name, value),
    removeItem: (name) => void held.delete(name),
  }
}

export class FakeServer {
  requests: Request[] = []
  private handlers: Handler[] = []

  install(): void {
    FakeSocket.all = []
    vi.stubGlobal('WebSocket', FakeSocket)
    vi.stubGlobal('location', new URL('http://chat.example/'))
    vi.stubGlobal('sessionStorage', tabStorage())
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => this.answer(url, init))
  }

  /** Later ones are asked first. */
  on(method: string, path: string | RegExp, answer: (request: Request) => Answer | Promise<Answer>): void {
    this.handlers.unshift((request) =>
      request.method === method && (typeof path === 'string' ? request.path === path : path.test(request.path)) ? answer(request) : undefined,
    )
  }

  count(method: string, path: string | RegExp): number {
    return this.requests.filter((request) => request.method === method && (typeof path === 'string' ? request.path === path : path.test(request.path))).length
  }

  private async answer(url: string, init: RequestInit): Promise<Response> {
    const { pathname, searchParams } = new URL(url, 'http://chat.example')
    const request: Request = {
      method: init.method ?? 'GET', path: pathname, query: searchParams, body: init.body ? JSON.parse(init.body as string) : null,
      token: new Headers(init.headers).get('Authorization')?.slice(7) ?? null,
    }
    this.requests.push(request)
    const found = this.handlers.reduce<ReturnType<Handler>>((answer, handler) => answer ?? handler(request), undefined)
    const answer = await (found ?? { status: 404, body: { code: 'not_found', detail: 'There is nothing here.' } })
    if (answer === 'unreachable') throw new TypeError('Failed to fetch')
    const status = answer.status ?? 200
    return new Response(status === 204 ? null : JSON.stringify(answer.body ?? {}), { status, headers: answer.headers ?? {} })
  }
}

export const account = (id: string) => ({ id, username: 'ada', display_name: 'Ada', email: 'ada@example.org', role: 'member' })

/** Let promises and their followers run. */
export async function settled(): Promise<void> {
  for (let n = 0; n < 60; n += 1) await Promise.resolve()
}
