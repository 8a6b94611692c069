// Drives the sandbox with Notion's own JavaScript client and prints what it saw as one JSON object.
import { createRequire } from "node:module";

const [base, token, version, dataSource, page, home] = process.argv.slice(2);
const require = createRequire(process.env.NOTION_CLIENT_ROOT + "/");
const notionhq = require("@notionhq/client");
const { Client, isFullPage, isFullDataSource, isFullUser, isFullBlock, iteratePaginatedAPI } = notionhq;

const notion = new Client({ auth: token, baseUrl: base, notionVersion: version, retry: false });
const seen = {};

seen.me = (await notion.users.me({})).id;
seen.users = (await notion.users.list({})).results.every(isFullUser);

const found = await notion.search({ filter: { property: "object", value: "data_source" } });
seen.sources = found.results.filter(isFullDataSource).map((source) => source.id);

seen.rows = 0;
seen.full = true;
for await (const row of iteratePaginatedAPI(notion.dataSources.query, { data_source_id: dataSource, page_size: 50 })) {
  seen.rows += 1;
  seen.full &&= isFullPage(row);
}

const filtered = await notion.dataSources.query({
  data_source_id: dataSource,
  filter: { property: "Status", status: { equals: "Not started" } },
  sorts: [{ timestamp: "last_edited_time", direction: "descending" }],
  page_size: 3,
});
seen.filtered = filtered.results.length;

seen.past_the_cap = 0;
for await (const _ of notionhq.iterateAllDataSourceRows(notion, { data_source_id: dataSource })) {
  seen.past_the_cap += 1;
}

const retrieved = await notion.pages.retrieve({ page_id: page });
seen.page = isFullPage(retrieved);
const item = await notion.pages.properties.retrieve({ page_id: page, property_id: retrieved.properties.Status.id });
seen.status = item.status.name;

const created = await notion.pages.create({
  parent: { data_source_id: dataSource },
  properties: { Name: { title: [{ text: { content: "From JavaScript" } }] } },
  children: [{ to_do: { rich_text: [{ text: { content: "check" } }], checked: true } }],
});
const updated = await notion.pages.update({
  page_id: created.id,
  properties: { Status: { status: { name: "Done" } } },
});
seen.updated = updated.properties.Status.status.name;
seen.blocks = (await notion.blocks.children.list({ block_id: created.id })).results.filter(isFullBlock).length;
seen.markdown = (await notion.pages.retrieveMarkdown({ page_id: created.id })).markdown;
seen.home = (await notion.blocks.children.list({ block_id: home })).results.map((block) => block.type);

try {
  await notion.pages.retrieve({ page_id: "00000000-0000-4000-8000-000000000000" });
} catch (error) {
  seen.error = { code: error.code, status: error.status, known: notionhq.isNotionClientError(error) };
}
console.log(JSON.stringify(seen));
