// Nest. Every route is behind the guard; the claims are in `request.claims`. For some routes alone:
// `@UseGuards(nestGuard(guard, { scopes: ['orders:write'] }))`.
import 'reflect-metadata'
import { Controller, Get, Module, Req } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Request } from 'express'
import type { Guard } from 'cierre/guard'
import { nestGuard } from 'cierre/guard/nest'

@Controller()
class SubjectController {
  @Get()
  subject(@Req() request: Request) {
    return request.claims?.sub
  }
}

@Module({ controllers: [SubjectController] })
class ApiModule {}

export async function createApi(guard: Guard) {
  const app = await NestFactory.create(ApiModule, { logger: ['error', 'warn'] })
  return app.useGlobalGuards(nestGuard(guard))
}
