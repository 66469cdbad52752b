//! Pictures that people send, made into small ones.
//!
//! Invariants: nothing of what was sent is kept but the picture itself, so that a file that is a
//! picture and something else besides comes out as a picture; a picture's size is known, and
//! within limits, before any of it is unpacked.

use domain::{Error, ErrorKind};
use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits,
    codecs::png::{CompressionType, FilterType, PngEncoder},
    metadata::Orientation,
};
use std::io::Cursor;

/// The most points that a kept picture has, from side to side.
const SIDE: u32 = 512;

/// The most points that a picture may come with, from side to side and in all. (An instance has
/// 128 MiB, and a point takes four bytes.)
const SIDE_MOST: u32 = 10_000;
const POINTS_MOST: u64 = 16_000_000;

/// As [`POINTS_MOST`], where the decoder needs three times as much room.
const PROGRESSIVE_MOST: u64 = 6_000_000;

/// The most bytes of memory that a decoder may take, if it heeds that.
const MEMORY: u64 = 72 << 20;

/// The picture in `bytes` as a PNG of at most [`SIDE`] points from side to side.
///
/// # Errors
/// Unsupported media type when it is none; invalid when it is broken or too large.
pub(crate) fn shrink(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let format = format_of(bytes)?;
    let (picture, orientation) = decode(bytes, format)?;
    let small = match picture.width().max(picture.height()) <= SIDE {
        true => picture,
        false => picture.thumbnail(SIDE, SIDE),
    };
    let mut small = match small.color().has_alpha() {
        true => DynamicImage::from(small.into_rgba8()),
        false => DynamicImage::from(small.into_rgb8()),
    };
    small.apply_orientation(orientation);
    let mut png = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Default, FilterType::Adaptive);
    small.write_with_encoder(encoder).map_err(Error::internal)?;
    Ok(png)
}

fn format_of(bytes: &[u8]) -> Result<ImageFormat, Error> {
    let known = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ];
    match image::guess_format(bytes) {
        Ok(format) if known.contains(&format) => Ok(format),
        _ => {
            let detail = "The file must be a picture: PNG, JPEG, WebP or GIF";
            Err(Error::new(ErrorKind::UnsupportedMediaType, detail))
        }
    }
}

fn decode(bytes: &[u8], format: ImageFormat) -> Result<(DynamicImage, Orientation), Error> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(SIDE_MOST);
    limits.max_image_height = Some(SIDE_MOST);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let most = match format == ImageFormat::Jpeg && is_progressive(bytes) {
        true => PROGRESSIVE_MOST,
        false => POINTS_MOST,
    };
    let is_too_large = u64::from(width) * u64::from(height) > most;
    if is_too_large || width.max(height) > SIDE_MOST || decoder.total_bytes() > MEMORY {
        let message = format!("is a picture of {width} × {height} points, which is too large");
        return Err(Error::invalid_field("file", message));
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    Ok((picture, orientation))
}

/// Whether a JPEG is unpacked in passes over all of it.
fn is_progressive(jpeg: &[u8]) -> bool {
    let mut rest = jpeg.get(2..).unwrap_or_default();
    while let [0xff, marker, after @ ..] = rest {
        match marker {
            // Filling before a marker, and markers that stand alone.
            0xff => rest = rest.get(1..).unwrap_or_default(),
            0x01 | 0xd0..=0xd8 => rest = after,
            0xc2 | 0xc6 | 0xca | 0xce => return true,
            0xc0 | 0xc1 | 0xc3 | 0xc5 | 0xc7 | 0xc9 | 0xcb | 0xcd | 0xcf | 0xd9 | 0xda => {
                return false;
            }
            _ => {
                let [high, low, ..] = after else {
                    return false;
                };
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = after.get(length..).unwrap_or_default();
            }
        }
    }
    // Where it is broken, whoever unpacks it says so; until then the smaller limit counts.
    true
}

#[allow(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn broken(error: image::ImageError) -> Error {
    Error::invalid_field("file", "is a picture that cannot be read").caused_by(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progressive_pictures() {
        let check = |bytes: &[u8], expected: bool| {
            assert_eq!(is_progressive(bytes), expected, "{bytes:x?}");
        };
        let app0 = [0xff, 0xe0, 0, 4, 0xff, 0xc2];
        let jpeg = |frame: u8| [&[0xff, 0xd8], &app0[..], &[0xff, 0xff, frame, 0, 17]].concat();
        check(&jpeg(0xc0), false);
        check(&jpeg(0xc2), true);
        check(&jpeg(0xda), false);
        check(&[0xff, 0xd8], true);
        check(&[0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff], true);
        check(&[], true);
    }
}
