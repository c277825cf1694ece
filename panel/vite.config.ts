import { fileURLToPath } from 'node:url'

import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

import { compress } from './tools/compress.ts'
import { gateway } from './tools/gateway.ts'
import { headScript } from './tools/head-script.ts'

export default defineConfig({
  plugins: [react(), tailwindcss(), headScript('src/app/theme/first-paint.js'), compress()],
  resolve: {
    alias: { '~': fileURLToPath(new URL('./src', import.meta.url)) },
  },
  build: {
    target: 'es2023',
    // A data: URL is no 'self' in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What most pages need comes in one file with the first of them, and is compressed better than in many.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'shared', minShareCount: 12 }] } } },
    reportCompressedSize: false,
  },
  server: { proxy: gateway() },
  preview: { proxy: gateway() },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
})
