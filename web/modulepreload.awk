# Copies a page and names in its head every module that its script imports, so that a browser asks for all of them at
# once and not level by level, as it finds them:
#   awk -v root=web -f web/modulepreload.awk web/index.html
# Nearest first. What is imported later, by import(), is not among them.

{ print }

/^<script type="module" src="/ {
    split($0, parts, "\"")
    found[count = 1] = parts[4]
    seen[parts[4]]
    for (at = 1; at <= count; at++) find_imports(found[at])
    for (at = 2; at <= count; at++) print "<link rel=\"modulepreload\" href=\"" found[at] "\">"
}

function find_imports(module,    line, parts, path, got) {
    while ((got = (getline line < (root module))) > 0) {
        if (line !~ /^(import|export|}) ?.*'\.\.?\/[^']+';$/) continue
        split(line, parts, "'")
        path = resolved(module, parts[2])
        if (!(path in seen)) {
            seen[path]
            found[++count] = path
        }
    }
    if (got < 0) {
        print FILENAME ": " module " is imported and cannot be read" > "/dev/stderr"
        exit 1
    }
    close(root module)
}

# The address that a module at `from` means by `relative`.
function resolved(from, relative,    path) {
    path = from
    sub(/[^\/]*$/, relative, path)
    gsub(/\/\.\//, "/", path)
    while (sub(/\/[^\/]+\/\.\.\//, "/", path)) continue
    return path
}
