import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Logic needs no browser; a test that does says `// @vitest-environment happy-dom`.
export default defineConfig({
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
});
