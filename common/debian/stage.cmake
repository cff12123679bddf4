# stage.cmake - between installing into the staging folder and packing it: what Debian expects
# of a package beyond what is installed from source
set(root "${CPACK_TEMPORARY_DIRECTORY}")
set(doc "${root}/usr/share/doc/multihomed")

function(compress)
	execute_process(COMMAND gzip --best --no-name --force ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(GLOB pages "${root}/usr/share/man/man*/*.[58]")
compress(${pages})

file(RENAME "${doc}/LICENSE" "${doc}/copyright")
file(READ "${doc}/copyright" text)
file(WRITE "${doc}/copyright" "Format: BSD-2-Clause, the same for all files\n\n${text}")
# our own changelog is for people, this one for Debian's tools
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE "${doc}/changelog"
"multihomed (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * See CHANGELOG.md.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
compress("${doc}/changelog")

file(WRITE "${root}/usr/share/lintian/overrides/multihomed"
"# postinst asks whether a daemon runs, before it checks the configuration for the new one
multihomed: maintainer-script-calls-systemctl [postinst:*]
")

# for site.yaml and the zones; without them nothing starts
file(MAKE_DIRECTORY "${root}/etc/multihomed")

# CPack takes modes from the umask of whoever builds
execute_process(COMMAND chmod -R u=rwX,go=rX "${root}" COMMAND_ERROR_IS_FATAL ANY)
