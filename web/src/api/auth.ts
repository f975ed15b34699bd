/**
 * Calls to the auth service. The refresh token lives in a cookie this page cannot read.
 */

import { http } from '@/api/client'
import type { Account } from '@/contract/model'

export interface SignedIn {
  user: Account
  access: string
}

export interface Registration {
  username: string
  email: string
  password: string
  display_name?: string
}

export function register(registration: Registration): Promise<SignedIn> {
  return http.request('POST', '/api/auth/register/', { body: registration, anonymous: true, cookie: true })
}

export function signIn(username: string, password: string): Promise<SignedIn> {
  return http.request('POST', '/api/auth/token/', { body: { username, password }, anonymous: true, cookie: true })
}

/** This will trade the cookie for a new access token; 401 means there is no session (any more). */
export function refreshToken(): Promise<{ access: string }> {
  return http.request('POST', '/api/auth/token/refresh/', { anonymous: true, cookie: true })
}

export function signOut(): Promise<void> {
  return http.request('POST', '/api/auth/logout/', { body: {}, cookie: true })
}

export function fetchAccount(): Promise<Account> {
  return http.request('GET', '/api/auth/me/')
}
