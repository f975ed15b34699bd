/** Starts the page. */

import { createPinia } from 'pinia'
import { createApp } from 'vue'

import '@/styles/tokens.css'
import '@/styles/base.css'
import '@/styles/controls.css'
import '@/styles/auth.css'
import '@/styles/workspace.css'
import '@/styles/conversation.css'
import '@/styles/message.css'

import App from '@/App.vue'
import { createAppRouter } from '@/router'

createApp(App).use(createPinia()).use(createAppRouter()).mount('#app')
