"""Titles that real workspaces hold and careless software breaks on: right-to-left, markup, no text at all."""

from __future__ import annotations

_SENTENCE = "Please read all of this first: the supplier, the site and the auditor each see it differently. "

ODD_TITLES: tuple[str, ...] = (
    "👩🏽‍🚒🚒 Fire drill: who opens gate 4? 🧯➡️🚪",
    "مراجعة عقد المورد قبل نهاية الشهر (supplier contract, Arabic)",
    "בדיקת חשבונית 26-4711 מול הזמנת הרכש",
    "检查仓库标签打印机 · ラベルプリンターの確認",
    "<script>alert('ENG')</script> & \"quotes\" in a title: does the page still render?",
    "Z\u0338e\u0337b\u0336r\u0335a stripes: combining marks in the label (zażółć gęślą jaźń)",
    "First line of the title\nsecond line\twith a tab",
    "Zero\u200bwidth\u200bspaces and a soft\u00adhyphen in the part number",
    "İstanbul deposu: ı/İ harfleri raporda yanlış",
    "🏳️‍🌈🧑‍🤝‍🧑 Diversity week 🇩🇪🇪🇸🇬🇧: flags, families, skin tones 👍🏿👍🏻",
    "= SUM(A1:A9) pasted from a spreadsheet; +49 30 901820 @here",
    "Verlängerung: Donaudampfschifffahrtsgesellschaftskapitänsmützenherstellerhaftpflicht",
    "   ",
    "",
    (_SENTENCE * 9).strip(),
    (_SENTENCE * 22).strip(),
)
"""The last but one has about 900 characters, the last more than one text object can hold."""
