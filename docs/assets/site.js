// Typeset the formulas that pymdownx.arithmatex has marked: \(...\) in the line, \[...\] on lines of their own.
for (const element of document.querySelectorAll(".arithmatex")) {
  const source = element.textContent.trim()
  const displayMode = source.startsWith("\\[")
  katex.render(source.slice(2, -2), element, { displayMode, throwOnError: false })
}
