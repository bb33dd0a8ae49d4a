"""The page's style sheet: calm by default, readable on a phone, in the dark and on paper.

Colour follows one rule: blue is worth knowing, orange wants a visit, red only asks to act now; each
comes with a shape and a word.  Text keeps a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3).  The
blue and orange of the plots stay apart for every common colour blindness (Okabe and Ito, 2008).
"""

from typing import Final

CSS: Final = """
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--soft:#f7f8fa;--ink:#18212f;
  --quiet:#556070;--rule:#dfe3e9;--blue:#1f5fa6;--blue-soft:#e8f0f9;--orange:#a34a00;
  --orange-soft:#fdf1e3;--red:#b3211b;--red-soft:#fdecea;--green:#1f6b3f;--bar:#7f9cc0;
  --mark:#d95f02;--second:#6b7684;
  --shadow:0 1px 2px rgba(24,33,47,.05),0 4px 16px rgba(24,33,47,.05)}
@media screen and (prefers-color-scheme:dark){
:root{--page:#0f141b;--card:#182029;--soft:#1e2732;--ink:#e7ecf2;--quiet:#a5b0be;--rule:#2c3744;
  --blue:#86bbf5;--blue-soft:#182b42;--orange:#f3ab68;--orange-soft:#37281a;--red:#ff9a92;
  --red-soft:#40201f;--green:#82cf9f;--bar:#5f83b3;--mark:#ff9f4a;--second:#98a4b3;--shadow:none}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){
html{scroll-behavior:auto}}
body{margin:0;background:var(--page);color:var(--ink);
  font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
  overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.wrap{max-width:1120px;margin:0 auto;padding-inline:24px}
a{color:var(--blue);text-underline-offset:.18em}
a:focus-visible,summary:focus-visible{outline:3px solid var(--blue);outline-offset:3px;
  border-radius:4px}
.skip{position:absolute;left:-999px;top:8px;background:var(--card);padding:8px 14px;z-index:2}
.skip:focus{left:16px}
h1,h2,h3,h4{line-height:1.2;margin:0;text-wrap:balance;letter-spacing:-.011em}
h1{font-size:clamp(1.8rem,1.1rem + 3vw,2.9rem);font-weight:680;letter-spacing:-.024em}
h2{font-size:1.35rem;font-weight:650;margin:0 0 16px}
h3{font-size:1.18rem;font-weight:650}
h4{font-size:.95rem;font-weight:650;margin:0 0 6px}
p{margin:0 0 10px}
ul{margin:0;padding:0;list-style:none}
small,.small{font-size:.875rem}
.quiet{color:var(--quiet)}
.top{padding-top:22px;padding-bottom:30px}
.brand{display:flex;flex-wrap:wrap;gap:6px 18px;align-items:center;justify-content:space-between;
  margin-bottom:34px;font-size:.9rem;color:var(--quiet)}
.brand b{display:inline-flex;gap:9px;align-items:center;color:var(--ink);font-weight:650}
.brand p{margin:0}
.logo{width:30px;height:18px;display:block}
.logo rect{fill:none;stroke:currentColor;stroke-width:1.6}
.logo .on{fill:var(--mark);stroke:var(--mark)}
.lede{font-size:1.06rem;max-width:66ch;margin:14px 0 0;color:var(--quiet)}
.tally{display:flex;flex-wrap:wrap;gap:8px 10px;margin:22px 0 0}
.tally li{display:flex;align-items:center;gap:8px;padding:6px 14px 6px 10px;
  background:var(--card);border:1px solid var(--rule);border-radius:99px;font-size:.925rem}
.tally b{font-weight:680}
main>section{margin:0 0 44px}
.glyph{width:1em;height:1em;flex:none;display:inline-block;vertical-align:-.1em}
.safety{--tone:var(--red);--tint:var(--red-soft)}
.recommended{--tone:var(--orange);--tint:var(--orange-soft)}
.operating{--tone:var(--blue);--tint:var(--blue-soft)}
.none{--tone:var(--green);--tint:var(--card)}
.dash{--tone:var(--quiet);--tint:var(--card)}
.glyph{color:var(--tone)}
.fleet{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:12px}
.fleet a{display:grid;grid-template:auto 1fr/auto 1fr;gap:2px 12px;height:100%;padding:14px 16px;
  background:var(--card);border:1px solid var(--rule);border-radius:12px;text-decoration:none;
  color:inherit;box-shadow:var(--shadow)}
.fleet a:hover{border-color:var(--tone)}
.fleet a:hover strong{text-decoration:underline}
.fleet .glyph{width:22px;height:22px;margin-top:2px;grid-row:span 2}
.fleet strong{font-weight:650}
.fleet span{color:var(--quiet);font-size:.9rem;line-height:1.4}
.chips{display:flex;flex-wrap:wrap;gap:8px}
.chips a{display:inline-flex;gap:8px;align-items:center;padding:5px 13px 5px 10px;
  border:1px solid var(--rule);border-radius:99px;background:var(--card);text-decoration:none;
  color:inherit;font-size:.925rem}
.chips a:hover{border-color:var(--tone);text-decoration:underline}
.under{margin:22px 0 10px}
.card{background:var(--card);border:1px solid var(--rule);border-radius:14px;
  box-shadow:var(--shadow);margin:0 0 20px;overflow:hidden}
.card.finding{border-top:4px solid var(--tone)}
.inner{padding:22px 26px}
.badge{display:inline-flex;align-items:center;gap:8px;padding:3px 12px 3px 9px;border-radius:99px;
  background:var(--tint);color:var(--tone);font-size:.875rem;font-weight:650;margin:0 0 12px}
.place{color:var(--quiet);margin:4px 0 12px}
.place b{color:var(--ink);font-weight:600}
.saying{font-size:1.06rem;max-width:68ch;margin:0 0 16px}
.do{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:14px;
  margin:0 0 18px}
.do>div{padding:14px 18px;border-radius:10px;background:var(--soft)}
.do>.act{background:var(--tint)}
.do h4{color:var(--quiet);font-size:.875rem}
.do .act h4{color:var(--tone)}
.do p{margin:0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,210px),1fr));
  gap:14px 24px;margin:0 0 4px;padding:16px 0 0;border-top:1px solid var(--rule)}
.facts div{min-width:0}
dt{font-size:.875rem;color:var(--quiet)}
dd{margin:0;font-weight:550}
dd span{display:block;font-weight:400;color:var(--quiet);font-size:.9rem;line-height:1.4}
.meter{display:block;width:100%;max-width:170px;height:6px;margin:7px 0 5px}
.meter .whole{fill:var(--rule)}
.meter .part{fill:var(--ink)}
details>summary{cursor:pointer;list-style:none;display:flex;gap:12px;align-items:center}
details>summary::-webkit-details-marker{display:none}
details>summary::before{content:"";flex:none;width:8px;height:8px;border:solid var(--quiet);
  border-width:0 2px 2px 0;transform:rotate(-45deg);transition:transform .15s}
details[open]>summary::before{transform:rotate(45deg) translate(-2px,-2px)}
.why{border-top:1px solid var(--rule);background:var(--soft)}
.why>summary{padding:13px 26px;font-weight:600;font-size:.95rem}
.why .inner{padding-top:6px}
.why .facts{border:0;padding:0;margin:0 0 20px}
.proof{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:26px;align-items:start}
.proof.bare{grid-template-columns:minmax(0,1fr)}
figure{margin:0 0 16px;background:var(--card);border:1px solid var(--rule);border-radius:10px;
  padding:14px 16px 10px}
figcaption{font-weight:600;font-size:.95rem;line-height:1.4;margin:0 0 8px}
table{border-collapse:collapse;width:100%;font-size:.925rem}
th,td{text-align:left;vertical-align:top;padding:9px 14px 9px 0;
  border-bottom:1px solid var(--rule)}
th:last-child,td:last-child{padding-right:0}
tr:last-child>*{border-bottom:0}
thead th{font-size:.875rem;font-weight:500;color:var(--quiet);padding-top:0}
tbody th{font-weight:550}
tbody th span,td span{display:block;font-weight:400;color:var(--quiet);font-size:.875rem;
  line-height:1.4}
.n{white-space:nowrap;width:1%}
td.n b{font-weight:650}
caption{text-align:left;color:var(--quiet);font-size:.875rem;padding:0 0 10px}
.plot{display:block;width:100%;max-width:520px;margin:0 auto;height:auto;
  font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
.plot text{fill:var(--quiet)}
.plot .mid{text-anchor:middle}
.plot .end{text-anchor:end}
.plot .name{fill:var(--ink);font-weight:500}
.plot .value{fill:var(--ink);font-weight:680;font-size:12.5px;paint-order:stroke;
  stroke:var(--card);stroke-width:4px;stroke-linejoin:round}
.plot .grid{stroke:var(--rule)}
.plot .zero{stroke:var(--quiet);stroke-width:1.2}
.plot .bar{fill:var(--bar)}
.plot .hot,.plot .point{fill:var(--mark)}
.plot .point{stroke:var(--card);stroke-width:1}
.plot .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round;
  stroke:var(--second)}
.plot .s0{stroke:var(--blue);stroke-width:2.4}
.plot .s1{stroke-dasharray:5 4}
.plot .s2{stroke-dasharray:1.5 4}
.plot .s3{stroke-dasharray:9 3 2 3}
.plot.wide{max-width:none}
.plot .stay{fill:var(--soft);stroke:var(--rule)}
.plot .gives{fill:none;stroke:var(--mark);stroke-width:1.6;stroke-dasharray:3 2}
.scroll{overflow-x:auto}
.vehicle{margin:0 0 10px}
.vehicle>summary{padding:15px 26px}
.vehicle>summary h3{font-size:1.05rem}
.vehicle>summary .glyph{width:18px;height:18px}
.vehicle>summary .quiet{margin-left:auto;text-align:right;font-size:.9rem}
.vehicle .inner{border-top:1px solid var(--rule)}
.halves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));
  gap:22px 36px}
.lines li{padding:7px 0;border-bottom:1px solid var(--rule)}
.lines li:last-child{border-bottom:0}
.lines li>span{display:block;color:var(--quiet);font-size:.9rem;line-height:1.45}
.lines b{font-weight:600}
.ticks li{padding:4px 0 4px 28px;position:relative}
.ticks .glyph{position:absolute;left:0;top:.52em}
.ticks span{display:block;color:var(--quiet);font-size:.9rem}
.next{margin:12px 0 0;padding:12px 16px;border-radius:10px;background:var(--blue-soft)}
.source{margin:24px 0 0;padding:20px 0 0;border-top:1px solid var(--rule)}
.source details{margin-top:14px}
.source details>summary{font-weight:600;font-size:.95rem;padding:4px 0 10px}
.key{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));
  gap:14px 32px}
.key dt{display:flex;gap:9px;align-items:center;color:var(--ink);font-weight:600;font-size:.95rem}
.key dd{font-weight:400;color:var(--quiet);font-size:.925rem}
footer>div{border-top:1px solid var(--rule);padding:22px 0 44px;font-size:.875rem;
  color:var(--quiet)}
@media (max-width:820px){
figure{margin-bottom:0}
.proof{grid-template-columns:minmax(0,1fr)}}
@media (max-width:600px){
.wrap{padding-inline:16px}
.plot.wide{min-width:640px}
.stays thead{display:none}
.stays tr{display:flex;flex-wrap:wrap;gap:2px 16px;padding:10px 0;
  border-bottom:1px solid var(--rule)}
.stays :is(th,td){border:0;padding:0;width:auto}
.stays :is(th,td:nth-child(3)){flex-basis:100%}
.plot{font-size:13.5px}
.plot .value{font-size:14.5px}
.inner{padding:18px 18px}
.why>summary,.vehicle>summary{padding:14px 18px}
.brand{margin-bottom:24px}
.facts{grid-template-columns:repeat(2,minmax(0,1fr));gap:14px 18px}
.do>div{padding:12px 14px}
figure{padding:12px 10px 6px}
.vehicle>summary{flex-wrap:wrap}
.vehicle>summary .quiet{margin:0;text-align:left;width:100%;padding-left:20px}
main>section{margin-bottom:36px}}
@media print{
:root{--page:#fff;--shadow:none}
body{font-size:10.5pt}
.skip,.brand a{display:none}
.card,figure,.do>div,tr,.fleet li{break-inside:avoid}
.card.finding{break-inside:auto}
h2,h3,h4{break-after:avoid}
details::details-content{content-visibility:visible;display:block;height:auto}
details>summary::before{display:none}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
"""Everything the page needs; no font, image or script is fetched."""
