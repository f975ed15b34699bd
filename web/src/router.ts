/**
 * The routes, and the guard before them: who is not signed in signs in first and comes back to where they were going.
 */

import { createRouter, createWebHistory, type RouteLocationNormalized, type Router } from 'vue-router'

import { ApiError } from '@/api/errors'
import { nextPath } from '@/composables/nextPath'
import ConversationPage from '@/pages/ConversationPage.vue'
import InvitePage from '@/pages/InvitePage.vue'
import NotFoundPage from '@/pages/NotFoundPage.vue'
import RegisterPage from '@/pages/RegisterPage.vue'
import SignInPage from '@/pages/SignInPage.vue'
import UnreachablePage from '@/pages/UnreachablePage.vue'
import WelcomePage from '@/pages/WelcomePage.vue'
import WorkspacePage from '@/pages/WorkspacePage.vue'
import { useSessionStore } from '@/stores/useSessionStore'

declare module 'vue-router' {
  interface RouteMeta {
    /** Also for people who are not signed in. */
    open?: boolean
    /** Of no use to people who are. */
    guest?: boolean
  }
}

const routes = [
  { path: '/sign-in', name: 'sign-in', component: SignInPage, meta: { open: true, guest: true } },
  { path: '/register', name: 'register', component: RegisterPage, meta: { open: true, guest: true } },
  { path: '/unreachable', name: 'unreachable', component: UnreachablePage, meta: { open: true } },
  { path: '/invite/:code', name: 'invite', component: InvitePage },
  {
    path: '/',
    component: WorkspacePage,
    children: [
      { path: '', name: 'home', component: WelcomePage },
      { path: 'c/:id', name: 'conversation', component: ConversationPage },
    ],
  },
  { path: '/:rest(.*)*', name: 'not-found', component: NotFoundPage, meta: { open: true } },
]

export function createAppRouter(): Router {
  const router = createRouter({ history: createWebHistory(), routes })
  router.beforeEach(guard)
  return router
}

async function guard(to: RouteLocationNormalized) {
  if (to.name === 'unreachable') return true
  const session = useSessionStore()
  try {
    await session.restore()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { name: 'unreachable', query: { next: to.fullPath }, replace: true }
  }
  if (session.status === 'signed_in') return to.meta.guest ? nextPath(to) : true
  return to.meta.open ? true : { name: 'sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
}
