import { defineConfig } from 'prisma/config';

/** For people who have the Prisma CLI's engine: `prisma migrate deploy`, `prisma studio`. Our own commands need none. */
export default defineConfig({
  schema: 'prisma/schema',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: process.env['DATABASE_URL'] ?? 'postgres://hoshi:hoshi@127.0.0.1:25329/hoshi' },
});
