// The page /docs in a browser: it needs no other host, shows every route, and what is
// tried out there really happens.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { newcomer } from './classic.mjs';
import { literal, sql } from './psql.mjs';

const base = process.env.GATEWAY_URL;
const description = await (await fetch(`${base}/openapi.json`)).json();

let browser;
let page;
// Requests of the page, and whatever the browser complained about.
const requests = [];
const complaints = [];

// One page for all tests: to load it is what takes a browser longest.
before(async () => {
    if (!process.env.CHROMIUM) {
        throw new Error('CHROMIUM is not set: it must name a Chromium');
    }
    // Chromium has no sandbox for root.
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM,
        args: process.getuid() === 0 ? ['--no-sandbox'] : [] });
    page = await browser.newPage();
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
    page.setDefaultTimeout(30_000);
    await page.goto(`${base}/docs`);
    await page.waitForSelector('.opblock');
});

after(() => browser?.close());

// Opens a route, fills in its body, sends it, and returns the status and text that the page shows.
async function tryOut(operation, body) {
    const block = page.locator('.opblock', { has: page.locator(`[data-path="${operation.path}"]`) })
        .and(page.locator(`.opblock-${operation.method}`));

    await block.locator('.opblock-summary-control').click();
    if (body) {
        await block.locator('textarea.body-param__text').fill(JSON.stringify(body));
    }
    await block.locator('button.execute').click();
    const answer = block.locator('.live-responses-table .response');
    await answer.waitFor();
    return { status: await answer.locator('.response-col_status').first().innerText(),
        text: await answer.locator('.response-col_description pre').first().innerText() };
}

test('it loads from this host alone, and the browser has nothing to complain about', async () => {
    assert.ok(requests.length >= 5, requests.join());
    assert.deepEqual(requests.filter((url) => !url.startsWith(`${base}/`)
        && !url.startsWith('data:')), []);
    assert.deepEqual(complaints, []);
    assert.equal(await page.locator('.errors-wrapper').count(), 0);
});

test('it lists every route', async () => {
    const shown = await page.locator('.opblock').evaluateAll((blocks) => blocks.map((block) =>
        `${block.querySelector('.opblock-summary-method').textContent} `
            + block.querySelector('.opblock-summary-path').dataset.path));

    assert.deepEqual(shown.sort(), Object.entries(description.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)).sort());
});

test('what is tried out happens: somebody registers, logs in, and asks who they are', async () => {
    const somebody = newcomer();
    const registered = await tryOut({ method: 'post', path: '/auth/register' }, somebody);
    assert.match(registered.status, /^201/);
    assert.equal(JSON.parse(registered.text).username, somebody.username);
    assert.equal(sql(`SELECT count(*) FROM agent.users WHERE email = ${literal(somebody.email)}`), '1');

    const { email, password } = somebody;
    const login = await tryOut({ method: 'post', path: '/auth/login' }, { email, password });
    assert.match(login.status, /^200/);
    await page.locator('button.authorize').first().click();
    await page.locator('.auth-container input').fill(JSON.parse(login.text).access_token);
    await page.locator('.auth-container button.authorize').click();
    await page.locator('.modal-ux button.btn-done').click();

    const me = await tryOut({ method: 'get', path: '/auth/me' });
    assert.match(me.status, /^200/);
    assert.equal(JSON.parse(me.text).email, email);
    assert.deepEqual(complaints, []);

    // Nothing is remembered beyond the tab.
    assert.deepEqual(await page.context().storageState(), { cookies: [], origins: [] });
});

test('an error is shown as the error it is', async () => {
    const answer = await tryOut({ method: 'post', path: '/conversations' }, {});

    assert.match(answer.status, /^422/);
    assert.equal(JSON.parse(answer.text).detail[0].msg, 'Field required');
});
