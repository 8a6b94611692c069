// OAuth, markdown, comments, files, views, templates and webhooks with Notion's own JavaScript client.
import { createRequire } from "node:module";

const [base, clientId, secret, code, redirect, dataSource, database, page, raw, signature, verification] =
  process.argv.slice(2);
const require = createRequire(process.env.NOTION_CLIENT_ROOT + "/");
const { Client, isFullPage, isFullComment, verifyWebhookSignature } = require("@notionhq/client");

const seen = {};
const application = new Client({ baseUrl: base, notionVersion: "2026-03-11", retry: false });
const credentials = { client_id: clientId, client_secret: secret };
const first = await application.oauth.token({
  ...credentials,
  grant_type: "authorization_code",
  code,
  redirect_uri: redirect,
});
const pair = await application.oauth.token({
  ...credentials,
  grant_type: "refresh_token",
  refresh_token: first.refresh_token,
});
seen.rotated = pair.access_token !== first.access_token && pair.refresh_token !== first.refresh_token;
seen.active = (await application.oauth.introspect({ ...credentials, token: pair.access_token })).active;
seen.old = (await application.oauth.introspect({ ...credentials, token: first.access_token })).active;

const notion = new Client({ auth: pair.access_token, baseUrl: base, notionVersion: "2026-03-11", retry: false });
seen.bot = (await notion.users.me({})).id === pair.bot_id;

await notion.pages.updateMarkdown({
  page_id: page,
  type: "insert_content",
  insert_content: { content: "# Head\n- [ ] do" },
});
const replaced = await notion.pages.updateMarkdown({
  page_id: page,
  type: "update_content",
  update_content: { content_updates: [{ old_str: "- [ ] do", new_str: "- [x] done" }] },
});
seen.markdown = replaced.markdown;

const comment = await notion.comments.create({
  parent: { page_id: page },
  rich_text: [{ text: { content: "from JavaScript" } }],
});
seen.comment = isFullComment(comment);
seen.comments = (await notion.comments.list({ block_id: page })).results.length;

const upload = await notion.fileUploads.create({ filename: "note.txt", content_type: "text/plain" });
const sent = await notion.fileUploads.send({
  file_upload_id: upload.id,
  file: { filename: "note.txt", data: new Blob(["hello"], { type: "text/plain" }) },
});
seen.upload = [sent.status, sent.content_length];
const children = [{ type: "file", file: { type: "file_upload", file_upload: { id: upload.id } } }];
const attached = await notion.blocks.children.append({ block_id: page, children });
seen.file = await (await fetch(attached.results[0].file.file.url)).text();

const view = await notion.views.create({
  data_source_id: dataSource,
  database_id: database,
  name: "Open",
  type: "table",
  filter: { property: "Status", status: { does_not_equal: "Done" } },
});
seen.views = (await notion.views.list({ database_id: database })).results.length;
const looked = await notion.views.queries.create({ view_id: view.id, page_size: 2 });
const rest = await notion.views.queries.results({
  view_id: view.id,
  query_id: looked.id,
  start_cursor: looked.next_cursor,
});
seen.rows = [looked.total_count, looked.results.length, rest.results.length];
seen.gone = (await notion.views.delete({ view_id: view.id })).id === view.id;

const templates = await notion.dataSources.listTemplates({ data_source_id: dataSource });
const made = await notion.pages.create({
  parent: { data_source_id: dataSource },
  properties: {},
  template: { type: "template_id", template_id: templates.templates[0].id },
});
seen.template = isFullPage(made) && (await notion.pages.retrieveMarkdown({ page_id: made.id })).markdown;

const genuine = { body: raw, signature, verificationToken: verification };
seen.signature = await verifyWebhookSignature(genuine);
seen.forged = await verifyWebhookSignature({ ...genuine, body: raw + " " });

await application.oauth.revoke({ ...credentials, token: pair.access_token });
try {
  await notion.users.me({});
} catch (error) {
  seen.revoked = error.code;
}
console.log(JSON.stringify(seen));
