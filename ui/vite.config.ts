import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const service = process.env["PENSTOCK_URL"] ?? "http://127.0.0.1:8765";

const out = fileURLToPath(new URL(process.env["PENSTOCK_UI_OUT"] ?? "../src/penstock/service/api/web", import.meta.url));

/** Compressed once here, instead of at every request. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    closeBundle() {
      for (const name of readdirSync(out, { recursive: true }) as string[]) {
        const file = join(out, name);
        if (!/\.(js|css|svg)$/.test(name) || statSync(file).size < 1000) continue;
        const bytes = readFileSync(file);
        writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
        writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: { proxy: { "/api": service, "/hooks": service } },
  build: {
    outDir: out, // the service serves this folder; it is never committed
    emptyOutDir: true,
    assetsInlineLimit: 0, // no data: addresses: the content security policy is strict
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    target: "es2022",
    license: { fileName: "licenses.md" },
  },
});
