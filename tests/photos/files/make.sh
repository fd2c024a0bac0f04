set -e
IM=/usr/bin/convert-im6.q16
# a scene with text-like detail: ImageMagick's own pictures
$IM -size 96x64 plasma:tomato-steelblue -blur 0x1 -depth 8 scene.ppm
cjpeg -quality 70 -outfile phone.jpg scene.ppm
exiftool -q -overwrite_original -Orientation#=6 -Make=Phone -Model="P 6" -GPSLatitude=47.5 -GPSLatitudeRef=N -GPSLongitude=8.5 -GPSLongitudeRef=E -ExposureTime=1/60 -IFD0:XResolution=300 -IFD0:YResolution=300 -XMP:Creator="Ä person" -XMP-tiff:Orientation#=6 -IPTC:City="Zug" -IPTC:Keywords=hole -Comment="made by cjpeg and exiftool" "-ICC_Profile<=/usr/share/color/icc/compatibleWithAdobeRGB1998.icc" phone.jpg
$IM scene.ppm scene.png
avifenc --min 15 --max 20 -s 6 --irot 3 scene.png phone.avif > /dev/null
heif-enc -q 80 -o phone.heic scene.png > /dev/null 2>&1
exiftool -q -overwrite_original -Orientation#=6 phone.heic || true
$IM -size 48x32 plasma:green-yellow -depth 16 -units PixelsPerInch -density 240 -compress LZW -set comment "" deep.tif
exiftool -q -overwrite_original -Artist="ImageMagick" -XMP:Creator="Ä person" -IPTC:City="Zug" "-ICC_Profile<=/usr/share/color/icc/compatibleWithAdobeRGB1998.icc" deep.tif
tiffset -s 274 8 deep.tif
$IM -size 16x16 "xc:cmyk(0,0,0,0)" "xc:cmyk(255,0,0,0)" "xc:cmyk(0,255,255,0)" "xc:cmyk(0,0,0,255)" -colorspace CMYK +append -profile cmyk.icc -sampling-factor 1x1 -quality 95 inks.jpg
$IM scene.png -set Title "a PNG text" phone.png
exiftool -q -overwrite_original -Orientation#=6 -IPTC:City=Zug -XMP:Creator="Ä person" phone.png
