# Count what a ctest run did, from its JUnit report, for scripts/test.
# Prints each failed test with its output and each skipped thing with its reason, then one line
# "PASSED FAILED SKIPPED".
# A test counts one, unless its output says more: "[  PASSED  ] N test(s)." of cmocka, or a line
# "N passed, N failed, N skipped" of our scripts, of which the last counts. A test that ctest
# calls failed adds at least one failure, whatever its output says. Output lines "skipped: ..."
# and "note: ..." are shown, and the last lines of each failed test.

BEGIN { shown = 100 }

function text(s)
{
    gsub(/&lt;/, "<", s)
    gsub(/&gt;/, ">", s)
    gsub(/&quot;/, "\"", s)
    gsub(/&apos;/, "'", s)
    gsub(/&amp;/, "\\&", s)
    return s
}

function attribute(line, name)
{
    if (!match(line, " " name "=\"[^\"]*\""))
        return ""
    return text(substr(line, RSTART + length(name) + 3, RLENGTH - length(name) - 4))
}

# One line of a test's output.
function output(line)
{
    sub(/^\t*<system-out>/, "", line)
    sub(/<\/system-out>$/, "", line)
    line = text(line)
    lines[line_count++ % shown] = line
    if (line ~ /^(skipped|note): /)
        skips = skips line "\n"
    if (match(line, /\[  PASSED  \] [0-9]+ test/)) {
        passed_here += substr(line, RSTART + 13) + 0
        has_counts = 1
    } else if (match(line, /\[  FAILED  \] [0-9]+ test\(s\), listed/)) {
        failed_here += substr(line, RSTART + 13) + 0
        has_counts = 1
    } else if (match(line, /\[  SKIPPED \] [0-9]+ test/)) {
        skipped_here += substr(line, RSTART + 13) + 0
        has_counts = is_listing = 1
    } else if (is_listing && match(line, /\[  SKIPPED \] /)) {
        skips = skips "skipped: " test ": " substr(line, RSTART + 13) " (" preset ")\n"
    } else if (line ~ /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/) {
        split(line, word, " ")
        passed_here = word[1]
        failed_here = word[3]
        skipped_here = word[5] + 0
        has_counts = 1
    }
}

function finish()
{
    if (is_skipped) {
        skipped++
        printf "%s", skips ? skips : "skipped: " test " (" preset ")\n"
        return
    }
    printf "%s", skips
    if (!has_counts && status == "run")
        passed_here = 1
    if (status != "run") {
        failed_here = failed_here ? failed_here : 1
        print "failed: " test " (" preset ")"
        for (i = line_count > shown ? line_count - shown : 0; i < line_count; i++)
            print "    " lines[i % shown]
    }
    passed += passed_here
    failed += failed_here
    skipped += skipped_here
}

/^\t<testcase / {
    test = attribute($0, "name")
    status = attribute($0, "status")
    passed_here = failed_here = skipped_here = has_counts = is_skipped = is_listing = 0
    line_count = 0
    skips = ""
    next
}
/^\t\t<skipped/ {
    is_skipped = /SKIP_/ # otherwise its program is missing, which is a failure
    next
}
/^\t\t<system-out>/ { is_output = 1 }
is_output {
    output($0)
    if ($0 ~ /<\/system-out>$/)
        is_output = 0
    next
}
/^\t<\/testcase>/ { finish() }
END { print passed + 0, failed + 0, skipped + 0 }
