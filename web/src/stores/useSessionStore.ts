/**
 * Who is signed in on this page. The access token lives in memory only; the refresh token in a cookie the page cannot read.
 */

import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'

import * as auth from '@/api/auth'
import { http } from '@/api/client'
import { ApiError } from '@/api/errors'
import type { Account } from '@/contract/model'
import { tokenLifetimeMs } from '@/stores/tokenLifetime'

export type SessionStatus = 'unknown' | 'signed_out' | 'signed_in'

/** A token is renewed so long before its end. */
const RENEW_BEFORE_MS = 60_000

export const useSessionStore = defineStore('session', () => {
  const status = ref<SessionStatus>('unknown')
  const user = shallowRef<Account | null>(null)
  const access = shallowRef<string | null>(null)
  const notice = ref<string | null>(null)
  const me = computed(() => user.value?.id ?? '')
  let refreshing: Promise<string | null> | null = null
  let timer: ReturnType<typeof setTimeout> | undefined

  function takeToken(token: string): void {
    access.value = token
    clearTimeout(timer)
    const wait = Math.max(5_000, tokenLifetimeMs(token) - RENEW_BEFORE_MS)
    timer = setTimeout(() => void refresh().catch(() => {}), wait)
  }

  function enter(answer: auth.SignedIn): void {
    takeToken(answer.access)
    user.value = answer.user
    notice.value = null
    status.value = 'signed_in'
  }

  /** Forget everything about the session; the server may not have been told. */
  function forget(reason: string | null = null): void {
    clearTimeout(timer)
    access.value = null
    user.value = null
    notice.value = reason
    status.value = 'signed_out'
  }

  async function refreshNow(): Promise<string | null> {
    try {
      const { access: token } = await auth.refreshToken()
      takeToken(token)
      return token
    } catch (error) {
      // Only the server's word ends a session; a broken line does not.
      if (!(error instanceof ApiError) || error.temporary) throw error
      forget(status.value === 'signed_in' ? 'Your session has ended. Please sign in again.' : null)
      return null
    }
  }

  /** This will get a new access token: one request, however many ask. */
  function refresh(): Promise<string | null> {
    refreshing ??= refreshNow().finally(() => (refreshing = null))
    return refreshing
  }

  /** The current token for the socket; `fresh`: a new one. */
  function tokenFor(fresh: boolean): Promise<string | null> {
    if (refreshing) return refreshing
    return fresh || !access.value ? refresh() : Promise.resolve(access.value)
  }

  /** This will find out, once, whether the cookie still holds a session. */
  async function restore(): Promise<void> {
    if (status.value !== 'unknown') return
    if ((await refresh()) === null) return
    user.value = await auth.fetchAccount()
    status.value = 'signed_in'
  }

  async function signIn(name: string, password: string): Promise<void> {
    enter(await auth.signIn(name, password))
  }

  async function register(registration: auth.Registration): Promise<void> {
    enter(await auth.register(registration))
  }

  async function signOut(): Promise<void> {
    await auth.signOut().catch(() => {})
    forget()
  }

  http.useCredentials({ token: () => access.value, refresh })

  return { status, user, access, notice, me, restore, signIn, register, signOut, forget, refresh, tokenFor }
})
