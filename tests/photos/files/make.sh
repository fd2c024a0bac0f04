#!/bin/sh
# Makes the files of this folder by other tools than ours, of Debian's packages imagemagick,
# libjpeg-turbo-progs, libavif-bin, libheif-examples, libtiff-tools, libimage-exiftool-perl,
# argyll and icc-profiles-free. ICC: where the last lies, such as share/color/icc.
set -e
: "${ICC:?}"
convert -size 96x64 plasma:tomato-steelblue -blur 0x1 -depth 8 scene.ppm
convert scene.ppm scene.png
rgb="-ICC_Profile<=$ICC/compatibleWithAdobeRGB1998.icc"

cjpeg -quality 70 -outfile phone.jpg scene.ppm
exiftool -q -overwrite_original -Orientation#=6 -Make=Phone -Model="P 6" -GPSLatitude=47.5 \
  -GPSLatitudeRef=N -GPSLongitude=8.5 -GPSLongitudeRef=E -ExposureTime=1/60 \
  -IFD0:XResolution=300 -IFD0:YResolution=300 -XMP:Creator="Ä person" -XMP-tiff:Orientation#=6 \
  -IPTC:City="Zug" -IPTC:Keywords=hole -Comment="made by cjpeg and exiftool" "$rgb" phone.jpg
avifenc --min 15 --max 20 -s 6 --irot 3 scene.png phone.avif
heif-enc -q 80 -o phone.heic scene.png
exiftool -q -overwrite_original -Orientation#=6 phone.heic
convert scene.ppm -set Title "a PNG text" phone.png
exiftool -q -overwrite_original -Orientation#=6 -IPTC:City=Zug -XMP:Creator="Ä person" phone.png

convert -size 48x32 plasma:green-yellow -depth 16 -units PixelsPerInch -density 240 \
  -compress LZW deep.tif
exiftool -q -overwrite_original -Artist="ImageMagick" -XMP:Creator="Ä person" -IPTC:City="Zug" \
  "$rgb" deep.tif
tiffset -s 274 8 deep.tif

avifenc -d 10 --min 15 --max 20 -s 6 scene.png ten.avif
convert scene.ppm -define png:bit-depth=16 scene16.png
heif-enc -q 40 -b 10 -o ten.heic scene16.png
convert -size 6x4 plasma:green-yellow -depth 16 -alpha set -channel A -evaluate set 40% +channel \
  -define tiff:alpha=associated premultiplied16.tif
convert -size 6x4 plasma:green-yellow -depth 16 -colorspace gray -alpha set -channel A \
  -evaluate set 40% +channel gray_alpha16.tif

cp "$ICC/FOGRA39L.ti3" cmyk.ti3
colprof -ql -bn -nc -D "CMYK for tests, of FOGRA39L" -C "zlib licence" cmyk
convert -size 16x16 "xc:cmyk(0,0,0,0)" "xc:cmyk(255,0,0,0)" "xc:cmyk(0,255,255,0)" \
  "xc:cmyk(0,0,0,255)" -colorspace CMYK +append -profile cmyk.icc -sampling-factor 1x1 \
  -quality 95 inks.jpg
rm scene.ppm scene.png scene16.png cmyk.ti3 cmyk.icc
