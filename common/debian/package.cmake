# package.cmake - the Debian package, made by CPack: cmake --build --preset release --target package
#
# What is in it is what `cmake --install` installs, below /usr; stage.cmake turns that into what
# Debian expects. postinst, prerm and postrm are the maintainer scripts.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME multihomed)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "multihomed maintainers <maintainers@multihomed.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "DNS and routing for a site with several uplinks, without BGP")
set(CPACK_PACKAGE_DESCRIPTION
"For a small site with two or more Internet connections, one public address
from each provider, and a server inside that shall stay reachable when a line
fails. It runs on the one router in front of it.
.
dnsd is an authoritative name server with one view per uplink: who asks over a
line is answered with an address that works over that line. routed tracks the
uplinks, and keeps routes, address translation, port forwards and the return
policy as they should be.")

# The prefix is written into the units, so it must be known while files are staged.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
	GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/stage.cmake)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR})
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# for systemd-sysusers
set(CPACK_DEBIAN_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "iproute2, nftables")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "conntrack, jq, keepalived")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
	${CMAKE_CURRENT_LIST_DIR}/postinst
	${CMAKE_CURRENT_LIST_DIR}/prerm
	${CMAKE_CURRENT_LIST_DIR}/postrm)

include(CPack)
