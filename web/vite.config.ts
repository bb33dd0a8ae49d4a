import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// `npm run dev` shows a running cloud's data; CLOUD_URL says where it is.
const cloud = process.env.CLOUD_URL ?? 'http://127.0.0.1:8600';

export default defineConfig({
  base: './',
  plugins: [svelte()],
  server: { proxy: { '/api': cloud } },
  build: {
    outDir: '../src/voltherd/web/dist',
    emptyOutDir: true,
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // know light-dark()
    modulePreload: { polyfill: false },
    license: { fileName: 'licences.md' },
    reportCompressedSize: false,
  },
});
